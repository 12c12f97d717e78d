package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// reach tries every broker of the file. One that is away is a warning while
// another answers: `run` needs one to find the rest.
func (o Options) reach(ctx context.Context) ([]Requirement, *Client) {
	if err := o.validate(); err != nil {
		return []Requirement{{Name: "settings", State: Failed, Detail: err.Error(), Fix: "correct the file"}}, nil
	}
	sessions, failures := o.openAll(ctx, o.Brokers)
	var client *Client
	for _, s := range sessions {
		switch {
		case s == nil:
		case client == nil:
			client = &Client{options: o, session: s}
		default:
			s.close()
		}
	}
	var list []Requirement
	for i, addr := range o.Brokers {
		q := Requirement{Name: "connection", Detail: addr + o.how()}
		if failures[i] != nil {
			q = connectionFault(failures[i])
			if client != nil {
				q.State = Warning
			}
		}
		list = append(list, q)
	}
	return list, client
}

// how words what a connection passed.
func (o Options) how() string {
	var passed []string
	if o.TLS != nil {
		passed = append(passed, "TLS")
	}
	if o.SASL != nil {
		passed = append(passed, o.SASL.Mechanism+" as "+o.Principal())
	}
	if passed == nil {
		return ""
	}
	return " with " + strings.Join(passed, " and ")
}

// connectionFault is the finding for an error of open.
func connectionFault(err error) Requirement {
	q := Requirement{Name: "connection", State: Failed, Detail: err.Error(), Fix: "see kafka.brokers, kafka.tls and kafka.sasl"}
	if e, ok := errors.AsType[*Error](err); ok {
		q.Detail = e.Addr + ": " + e.Kind.String() + ": " + e.text
		if e.Hint != "" {
			q.Fix = e.Hint
		}
	}
	return q
}

// atOnce bounds the connections that are opened at the same time.
const atOnce = 8

// openAll opens a session to each address, some at once. Of each address one of
// session and error is nil.
func (o Options) openAll(ctx context.Context, addrs []string) ([]*session, []error) {
	sessions, failures := make([]*session, len(addrs)), make([]error, len(addrs))
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, addr := range addrs {
		slots <- struct{}{}
		group.Go(func() {
			sessions[i], failures[i] = o.open(ctx, addr)
			<-slots
		})
	}
	group.Wait()
	return sessions, failures
}

// advertised tries the brokers under the addresses the cluster gives out: records
// go there, and not to those of the file.
func (c *Client) advertised(ctx context.Context) []Requirement {
	meta, err := c.session.metadata(ctx)
	if err != nil {
		return []Requirement{connectionFault(c.session.explain("ask for brokers", err))}
	}
	var addrs []string
	for _, b := range meta.Brokers {
		if !slices.Contains(c.options.Brokers, b.Addr()) {
			addrs = append(addrs, b.Addr())
		}
	}
	sessions, failures := c.options.openAll(ctx, addrs)
	var list []Requirement
	for i := range addrs {
		if sessions[i] != nil {
			sessions[i].close()
			continue
		}
		q := connectionFault(failures[i])
		q.Name = "advertised broker"
		list = append(list, q)
	}
	if list == nil {
		list = []Requirement{{Name: "advertised brokers", Detail: fmt.Sprintf("%[1]d of %[1]d can be reached", len(meta.Brokers))}}
	}
	return list
}
