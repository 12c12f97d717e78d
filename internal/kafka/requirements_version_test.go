package kafka

import (
	"maps"
	"strings"
	"testing"
)

// Brokers that cannot be started here, by what they answer to ApiVersions.
func TestCheckVersions(t *testing.T) {
	recent := map[int16]VersionRange{apiProduce: {0, 9}, apiMetadata: {0, 11}, apiInitProducerID: {0, 4}, apiDescribeCluster: {0, 0}}
	with := func(api int16, r VersionRange) map[int16]VersionRange {
		m := maps.Clone(recent)
		m[api] = r
		if r == (VersionRange{}) {
			delete(m, api)
		}
		return m
	}
	for name, tc := range map[string]struct {
		ranges      map[int16]VersionRange
		compression string
		state       State
		says        string
	}{
		"2.8":             {recent, "zstd", OK, "Produce 8 (broker: 0-9), Metadata 8 (broker: 0-11), InitProducerId 4 (broker: 0-4)"},
		"4.1":             {with(apiProduce, VersionRange{3, 12}), "lz4", OK, "Produce 8"},
		"0.10":            {with(apiInitProducerID, VersionRange{}), "", Failed, "InitProducerId"},
		"old batches":     {with(apiProduce, VersionRange{0, 2}), "", Failed, "does not know Produce 3 (broker: 0-2)"},
		"from the future": {with(apiProduce, VersionRange{9, 20}), "", Failed, "(broker: 9-20)upgrade walpost"},
		"no zstd":         {with(apiProduce, VersionRange{0, 6}), "zstd", Failed, "zstd"},
		"2.7":             {with(apiDescribeCluster, VersionRange{}), "", Warning, "2.8"},
	} {
		if q := checkVersions(tc.ranges, tc.compression); q.State != tc.state || !strings.Contains(q.Detail+q.Fix, tc.says) {
			t.Errorf("%s: %+v", name, q)
		}
	}
}
