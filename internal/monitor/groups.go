package monitor

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/internal/kafka"
)

// groupLags measures the groups that are asked for. One that may not be read, or
// has committed nothing, has no lag.
func (m *Monitor) groupLags(partitions []partition) []Lag {
	groups := m.groups()
	if len(groups) == 0 {
		return nil
	}
	committed := map[string]map[topicPartition]int64{}
	for _, group := range groups {
		offsets, err := m.cluster.committed(group, partitions)
		m.once("the offsets of consumer group "+group+" cannot be read: its lag is not measured", err,
			"grant Describe on the group to walpost's principal, or take it out of monitor.consumer_groups")
		if len(offsets) > 0 {
			committed[group] = offsets
		}
	}
	if len(committed) == 0 {
		return nil
	}
	ends, err := m.cluster.ends(partitions) // after the offsets, or a lag could be negative
	m.once("the ends of topics cannot be read in full: lags may be too small", err, "grant Describe on the topics to walpost's principal")
	lags := behind(committed, ends)
	if len(lags) > maxLags {
		m.once("too many consumer groups: not all lags are shown", errors.New("more than a thousand groups and topics"),
			"narrow monitor.consumer_groups")
		lags = lags[:maxLags]
	}
	return lags
}

// behind sums what each group has left of each topic.
func behind(committed map[string]map[topicPartition]int64, ends map[topicPartition]int64) []Lag {
	var lags []Lag
	for group, offsets := range committed {
		sums := map[string]int64{}
		for at, offset := range offsets {
			if end, ok := ends[at]; ok {
				sums[at.topic] += max(0, end-offset)
			}
		}
		for topic, records := range sums {
			lags = append(lags, Lag{group, topic, records})
		}
	}
	slices.SortFunc(lags, func(a, b Lag) int { return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic)) })
	return lags
}

// groups are the names that the globs stand for. Kafka is asked for its groups
// only when a glob is more than a name: it tells of those one may describe.
func (m *Monitor) groups() []string {
	var names []string
	var globs []string
	for _, g := range m.options.Groups {
		if strings.ContainsAny(g, `*?[\`) {
			globs = append(globs, g)
		} else {
			names = append(names, g)
		}
	}
	if len(globs) > 0 {
		all, err := m.cluster.groups()
		m.once("consumer groups cannot be listed: only those that monitor.consumer_groups names in full are measured", err,
			"grant Describe on the groups to walpost's principal")
		for _, name := range all {
			if slices.ContainsFunc(globs, func(g string) bool { ok, err := path.Match(g, name); return ok && err == nil }) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// groups lists the groups of the cluster; with an error, those of the brokers that
// answered.
func (c *cluster) groups() ([]string, error) {
	var names []string
	var failures []error
	for _, broker := range c.client.Brokers() {
		_ = broker.Open(c.client.Config()) // it is open, or the request says why it cannot be
		res, err := broker.ListGroups(&sarama.ListGroupsRequest{Version: 4})
		if err == nil && res.Err != sarama.ErrNoError {
			err = res.Err
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		for name := range res.Groups {
			names = append(names, name)
		}
	}
	return names, c.options.Explain("list consumer groups", errors.Join(failures...))
}

// committed returns the offsets that a group has committed in the partitions.
func (c *cluster) committed(group string, partitions []partition) (map[topicPartition]int64, error) {
	op := "read offsets of group " + group
	coordinator, err := c.client.Coordinator(group)
	if err != nil {
		return nil, c.options.Explain(op, err)
	}
	res, err := fetchOffsets(coordinator, group, partitions)
	if err != nil {
		return nil, c.options.Explain(op, err)
	}
	offsets := map[topicPartition]int64{}
	for _, p := range partitions {
		block := res.GetBlock(p.topic, p.partition)
		switch {
		case block == nil:
		case block.Err != sarama.ErrNoError:
			err = block.Err
		case block.Offset >= 0: // -1: the group has committed nothing there
			offsets[p.topicPartition] = block.Offset
		}
	}
	return offsets, c.options.Explain(op, err)
}

// fetchOffsets asks a group's coordinator; an answer that is an error of the whole group is one.
func fetchOffsets(coordinator *sarama.Broker, group string, partitions []partition) (*sarama.OffsetFetchResponse, error) {
	asked := map[string][]int32{}
	for _, p := range partitions {
		asked[p.topic] = append(asked[p.topic], p.partition)
	}
	res, err := coordinator.FetchOffset(sarama.NewOffsetFetchRequest(kafka.Version(), group, asked))
	if err != nil {
		return nil, err
	}
	if code, ok := errors.AsType[sarama.KError](res.GroupError()); ok && code != sarama.ErrNoError {
		return nil, code
	}
	return res, nil
}
