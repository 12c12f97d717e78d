package kafka

import (
	"maps"
	"strings"
	"testing"
)

// Brokers that cannot be started here, by what they answer to ApiVersions.
func TestJudgeVersions(t *testing.T) {
	recent := map[int16]apiRange{apiProduce: {0, 9}, apiMetadata: {0, 11}, apiInitProducerID: {0, 4}, apiDescribeCluster: {0, 0}}
	with := func(api int16, r apiRange) map[int16]apiRange {
		m := maps.Clone(recent)
		m[api] = r
		if r == (apiRange{}) {
			delete(m, api)
		}
		return m
	}
	for name, tc := range map[string]struct {
		ranges      map[int16]apiRange
		compression string
		state       State
		says        string
	}{
		"2.8":             {recent, "zstd", OK, "Produce 8 (broker: 0-9), Metadata 11 (broker: 0-11), InitProducerId 4 (broker: 0-4)"},
		"4.1":             {with(apiProduce, apiRange{3, 12}), "lz4", OK, "Produce 8"},
		"0.10":            {with(apiInitProducerID, apiRange{}), "", Failed, "InitProducerId"},
		"old batches":     {with(apiProduce, apiRange{0, 2}), "", Failed, "does not know Produce 3 (broker: 0-2)"},
		"from the future": {with(apiProduce, apiRange{9, 20}), "", Failed, "(broker: 9-20)upgrade walpost"},
		"no zstd":         {with(apiProduce, apiRange{0, 6}), "zstd", Failed, "zstd"},
		"2.7":             {with(apiDescribeCluster, apiRange{}), "", Warning, "2.8"},
	} {
		if q := judgeVersions(tc.ranges, tc.compression); q.State != tc.state || !strings.Contains(q.Detail+q.Fix, tc.says) {
			t.Errorf("%s: %+v", name, q)
		}
	}
}
