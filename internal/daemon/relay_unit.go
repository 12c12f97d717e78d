package daemon

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/admin/metrics"
	"github.com/walpost/walpost/internal/assemble"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/monitor"
	"github.com/walpost/walpost/internal/relay"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

// relayUnit is one relay of a process, with its metrics and its monitor. Its status
// and report stay true after the relay has ended.
type relayUnit struct {
	*relay.Relay
	name     string
	version  string // of walpost
	topic    string // the only topic of the file; "": topics come from columns
	observer *metrics.Observer
	monitor  *monitor.Monitor
	end      atomic.Pointer[relayEnd] // nil while it runs
}

// relayEnd is how and when a relay ended.
type relayEnd struct {
	err error
	at  time.Time
}

func newRelayUnit(c *config.Config, version string, observer *metrics.Observer, log *zap.Logger) (*relayUnit, error) {
	r, err := assemble.Relay(c, observer, log)
	if err != nil {
		return nil, err
	}
	u := &relayUnit{Relay: r, name: c.Name, version: version, observer: observer}
	u.topic = c.Outbox.OnlyTopic()
	u.monitor = monitor.New(monitor.Options{
		Connection: wiring.Kafka(c), Topics: u.topicNames, Groups: c.Monitor.ConsumerGroups,
		Log: log.With(zap.String("relay", c.Name)),
	})
	return u, nil
}

// Status returns the relay's status. A relay that ended with an error is halted, also
// where the relay itself did not get to say so.
func (u *relayUnit) Status() status.Status {
	st := u.Relay.Status()
	end := u.end.Load()
	if end == nil || end.err == nil || st.State == status.HaltedState {
		return st
	}
	return status.Status{Relay: u.name, State: status.HaltedState, Since: end.at, Reason: end.err.Error()}
}

// Report returns the relay's report, with the figures of its metrics and monitor.
func (u *relayUnit) Report() status.Report {
	rep := u.Relay.Report(u.version)
	if st := u.Status(); st.State == status.HaltedState && rep.State != status.HaltedState {
		rep.State, rep.Since, rep.Reason, rep.Hint = st.State, &st.Since, st.Reason, st.Hint
		rep.Conditions = append(rep.Conditions, status.Condition{
			Name: status.ConditionHalted, Severity: status.Critical, Since: st.Since,
			Hint: "the log says what happened; start walpost again",
		})
	}
	rep.Topics, rep.Rejected = u.topics(), u.observer.Rejections()
	for _, l := range u.monitor.Lags() {
		rep.ConsumerGroups = append(rep.ConsumerGroups, status.GroupLag(l))
	}
	return rep
}

// topics returns the topics with an acknowledged record, and those that are in use
// without one: replicas matter most when nothing is acknowledged.
func (u *relayUnit) topics() []status.TopicReport {
	list := u.observer.Topics()
	seen := map[string]bool{"": true}
	for _, t := range list {
		seen[t.Topic] = true
	}
	for _, name := range append(u.Topics(), u.topic) {
		if !seen[name] && len(list) < metrics.MaxTopics {
			seen[name] = true
			list = append(list, status.TopicReport{Topic: name})
		}
	}
	slices.SortFunc(list, func(a, b status.TopicReport) int { return cmp.Compare(a.Topic, b.Topic) })
	for i := range list {
		if r, ok := u.monitor.Replicas(list[i].Topic); ok {
			list[i].UnderReplicated, list[i].ISRShrinks = &r.UnderReplicated, &r.Shrinks
		}
	}
	return list
}

func (u *relayUnit) topicNames() []string {
	var names []string
	for _, t := range u.topics() {
		names = append(names, t.Topic)
	}
	return names
}
