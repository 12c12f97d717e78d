package cli

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/admin/metrics"
	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/monitor"
	"github.com/walpost/walpost/internal/relay"
)

// member is a relay of a process, with what is counted and measured beside it. What
// it says of itself stays true after it has ended.
type member struct {
	*relay.Relay
	name     string
	topic    string // the only one it writes, when the file says so; "": they come from columns
	observer *metrics.Observer
	monitor  *monitor.Monitor
	end      atomic.Pointer[ending]
}

type ending struct {
	err error
	at  time.Time
}

func newMember(c *config.Config, observer *metrics.Observer, log *zap.Logger) (*member, error) {
	r, err := relay.New(c, observer, log)
	if err != nil {
		return nil, err
	}
	m := &member{Relay: r, name: c.Name, observer: observer}
	if len(c.Outbox.Topic.Columns()) == 0 {
		m.topic = c.Outbox.Topic.String()
	}
	m.monitor = monitor.New(monitor.Options{
		Connection: relay.Kafka(c), Topics: m.topicNames, Groups: c.Monitor.ConsumerGroups,
		Log: log.With(zap.String("relay", c.Name)),
	})
	return m, nil
}

// Status is that of the relay. One that ended without saying so is halted.
func (m *member) Status() relay.Status {
	st := m.Relay.Status()
	end := m.end.Load()
	if end == nil || end.err == nil || st.State == relay.HaltedState {
		return st
	}
	return relay.Status{Relay: m.name, State: relay.HaltedState, Since: end.at, Reason: end.err.Error()}
}

// Report is that of the relay, with what was counted and measured beside it.
func (m *member) Report() relay.Report {
	rep := m.Relay.Report(thisBuild().Version)
	if st := m.Status(); st.State == relay.HaltedState && rep.State != relay.HaltedState {
		rep.State, rep.Since, rep.Reason, rep.Hint = st.State, &st.Since, st.Reason, st.Hint
		rep.Conditions = append(rep.Conditions, relay.Condition{
			Name: relay.ConditionHalted, Severity: relay.Critical, Since: st.Since, Hint: "the log says what happened; start walpost again",
		})
	}
	rep.Topics, rep.Rejected = m.topics(), m.observer.Rejections()
	for _, l := range m.monitor.Lags() {
		rep.ConsumerGroups = append(rep.ConsumerGroups, relay.GroupLag(l))
	}
	return rep
}

// topics are those with an acknowledged record, and those that are in use without
// one: replicas matter most when nothing is acknowledged.
func (m *member) topics() []relay.TopicReport {
	list := m.observer.Topics()
	seen := map[string]bool{"": true}
	for _, t := range list {
		seen[t.Topic] = true
	}
	for _, name := range append(m.Topics(), m.topic) {
		if !seen[name] && len(list) < metrics.MaxTopics {
			seen[name] = true
			list = append(list, relay.TopicReport{Topic: name})
		}
	}
	slices.SortFunc(list, func(a, b relay.TopicReport) int { return cmp.Compare(a.Topic, b.Topic) })
	for i := range list {
		if r, ok := m.monitor.Replicas(list[i].Topic); ok {
			list[i].UnderReplicated, list[i].ISRShrinks = &r.UnderReplicated, &r.Shrinks
		}
	}
	return list
}

func (m *member) topicNames() []string {
	var names []string
	for _, t := range m.topics() {
		names = append(names, t.Topic)
	}
	return names
}
