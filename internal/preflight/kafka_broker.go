package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/walpost/walpost/internal/kafka"
)

// connections tries every broker of the file, and keeps the connection to the first that
// answers. One that is unavailable is a warning while another answers: `run` needs one to find
// the rest.
func (c *clusterChecker) connections(ctx context.Context) []Requirement {
	if err := c.options.Validate(); err != nil {
		return []Requirement{{Name: "settings", State: Failed, Detail: err.Error(), Fix: "correct the file"}}
	}
	clients, failures := connectAll(ctx, c.options, c.options.Brokers)
	for _, client := range clients {
		switch {
		case client == nil:
		case c.client == nil:
			c.client = client
		default:
			client.Close()
		}
	}
	var list []Requirement
	for i, addr := range c.options.Brokers {
		q := Requirement{Name: "connection", Detail: addr + secured(c.options)}
		if failures[i] != nil {
			q = connectionFailed(failures[i])
			if c.client != nil {
				q.State = Warning
			}
		}
		list = append(list, q)
	}
	return list
}

// secured returns how a connection is secured, in words.
func secured(o kafka.Options) string {
	var parts []string
	if o.TLS != nil {
		parts = append(parts, "TLS")
	}
	if o.SASL != nil {
		parts = append(parts, o.SASL.Mechanism+" as "+o.Principal())
	}
	if parts == nil {
		return ""
	}
	return " with " + strings.Join(parts, " and ")
}

// connectionFailed is the requirement that an error of ConnectTo does not meet.
func connectionFailed(err error) Requirement {
	q := Requirement{Name: "connection", State: Failed, Detail: err.Error(), Fix: "see kafka.brokers, kafka.tls and kafka.sasl"}
	if e, ok := errors.AsType[*kafka.Error](err); ok {
		q.Detail = e.Addr + ": " + e.Kind.String() + ": " + e.Text
		if e.Hint != "" {
			q.Fix = e.Hint
		}
	}
	return q
}

// maxConnecting bounds the connections that are opened at the same time.
const maxConnecting = 8

// connectAll connects to each address, some at once. Of each address one of client and
// error is nil.
func connectAll(ctx context.Context, o kafka.Options, addrs []string) ([]*kafka.Client, []error) {
	clients, failures := make([]*kafka.Client, len(addrs)), make([]error, len(addrs))
	slots := make(chan struct{}, maxConnecting)
	var group sync.WaitGroup
	for i, addr := range addrs {
		slots <- struct{}{}
		group.Go(func() {
			clients[i], failures[i] = kafka.ConnectTo(ctx, o, addr)
			<-slots
		})
	}
	group.Wait()
	return clients, failures
}

// advertisedBrokers tries the brokers under the addresses that the cluster gives out:
// records go there, and not to those of the file.
func (c *clusterChecker) advertisedBrokers(ctx context.Context) []Requirement {
	meta, err := c.client.Metadata(ctx, "ask for brokers")
	if err != nil {
		return []Requirement{connectionFailed(err)}
	}
	var addrs []string
	for _, b := range meta.Brokers {
		if !slices.Contains(c.options.Brokers, b.Addr()) {
			addrs = append(addrs, b.Addr())
		}
	}
	clients, failures := connectAll(ctx, c.options, addrs)
	var list []Requirement
	for i, client := range clients {
		if client != nil {
			client.Close()
			continue
		}
		q := connectionFailed(failures[i])
		q.Name = "advertised broker"
		list = append(list, q)
	}
	if list == nil {
		list = []Requirement{{Name: "advertised brokers", Detail: fmt.Sprintf("%[1]d of %[1]d can be reached", len(meta.Brokers))}}
	}
	return list
}
