package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// State is how a requirement is met.
type State int

// The states, from best to worst.
const (
	OK State = iota
	Warning
	Failed
)

// String gives the word `check` prints.
func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	default:
		return "failed"
	}
}

// Requirement is one line of `check`.
type Requirement struct {
	Name   string
	State  State
	Detail string
	Fix    string // the command to type or the key to change; "" when there is nothing to do
}

// Wanted is what the configuration asks of the cluster.
type Wanted struct {
	// Topics are those that records go to, as far as they are known.
	Topics []string
	// DeadLetters are the topics of dead letters; nil under another policy.
	DeadLetters []string
	// Spec says how a missing topic is made; nil: it is not made.
	Spec func(topic string) Spec
	// Keyless: records have no key (outbox.key is "").
	Keyless bool
	// ColumnTime: records have the time of a column, not of their commit.
	ColumnTime bool
}

// Requirements checks a cluster and the topics: every requirement, met or not, in
// the order in which an operator would mend them. Nothing is written or made.
func Requirements(ctx context.Context, o Options, want Wanted) []Requirement {
	list, client := o.reach(ctx)
	if mechanism, yes := o.Cleartext(); yes {
		list = append(list, Requirement{
			Name: "encryption", State: Warning, Detail: mechanism + " without TLS sends the secret readable over the network",
			Fix: "add kafka.tls and use the broker's TLS port, or use SCRAM-SHA-512",
		})
	}
	if client == nil {
		return list
	}
	defer client.Close()
	list = append(list, client.advertised(ctx)...)
	list = append(list, client.versions(ctx), client.idempotence(ctx))
	return append(list, client.topics(ctx, want)...)
}

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

// ConnectionRequirement is the finding for an error of Connect.
func ConnectionRequirement(err error) Requirement { return connectionFault(err) }

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
		list = []Requirement{{Name: "advertised brokers", Detail: fmt.Sprintf("all %d of the cluster can be reached", len(meta.Brokers))}}
	}
	return list
}

// The requests that records need, by Kafka's numbers, with the version walpost
// speaks and the least it can work with.
const (
	apiProduce         = 0
	apiMetadata        = 3
	apiInitProducerID  = 22
	apiDescribeCluster = 60 // came with Kafka 2.8

	produceSpoken, produceLeast   = 8, 3 // 3 is the first that carries record batches with headers
	metadataSpoken, metadataLeast = 11, 4
	initSpoken, initLeast         = 4, 0
	produceZstd                   = 7
)

// versions judges what the broker understands.
func (c *Client) versions(ctx context.Context) Requirement {
	ranges, err := c.session.versions(ctx)
	if err != nil {
		return Requirement{Name: "broker version", State: Failed, Detail: err.Error(), Fix: "run check again"}
	}
	return judgeVersions(ranges, c.options.Compression)
}

func judgeVersions(ranges map[int16]apiRange, compression string) Requirement {
	const name, upgrade = "broker version", "upgrade Kafka to 2.8 or newer"
	var words []string
	for _, need := range []struct {
		name          string
		api           int16
		least, spoken int16
	}{
		{"Produce", apiProduce, produceLeast, produceSpoken},
		{"Metadata", apiMetadata, metadataLeast, metadataSpoken},
		{"InitProducerId", apiInitProducerID, initLeast, initSpoken},
	} {
		r, ok := ranges[need.api]
		switch {
		case !ok, r.max < need.least:
			return Requirement{name, Failed, fmt.Sprintf("the broker does not know %s %d", need.name, need.least), upgrade}
		case r.min > need.spoken:
			return Requirement{name, Failed, fmt.Sprintf("the broker wants %s %d or newer, walpost speaks up to %d", need.name, r.min, need.spoken), "upgrade walpost"}
		}
		words = append(words, fmt.Sprintf("%s %d", need.name, min(r.max, need.spoken)))
	}
	if compression == "zstd" && ranges[apiProduce].max < produceZstd {
		return Requirement{name, Failed, "the broker does not know zstd", "change kafka.compression, or " + upgrade}
	}
	if _, recent := ranges[apiDescribeCluster]; !recent {
		return Requirement{name, Warning, "older than Kafka 2.8, which walpost is not tested with", upgrade}
	}
	return Requirement{Name: name, Detail: "speaks " + strings.Join(words, ", ")}
}

// idempotence asks for a producer id.
func (c *Client) idempotence(ctx context.Context) Requirement {
	q := Requirement{Name: "idempotent producer"}
	err := c.initProducerID(ctx)
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		q.Detail = "allowed"
	case e.Kind == Denied:
		q.State, q.Detail = Failed, c.options.Principal()+" may write to no topic and has no IdempotentWrite"
		q.Fix = "grant Write on the topics (enough since Kafka 2.8), or: " + c.options.grant("cluster", "", "IdempotentWrite")
	default:
		q.State, q.Detail, q.Fix = Failed, e.Error(), "see the broker's log: it needs the internal topics for producer ids"
	}
	return q
}
