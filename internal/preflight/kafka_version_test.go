package preflight

import (
	"maps"
	"strings"
	"testing"

	"github.com/walpost/walpost/internal/kafka"
)

// Brokers that cannot be started here, by what they answer to ApiVersions.
func TestCheckVersions(t *testing.T) {
	recent := map[int16]kafka.VersionRange{
		apiProduce: {Min: 0, Max: 9}, apiMetadata: {Min: 0, Max: 11}, apiInitProducerID: {Min: 0, Max: 4},
		apiDescribeCluster: {Min: 0, Max: 0},
	}
	with := func(api int16, r kafka.VersionRange) map[int16]kafka.VersionRange {
		m := maps.Clone(recent)
		m[api] = r
		if r == (kafka.VersionRange{}) {
			delete(m, api)
		}
		return m
	}
	for name, tc := range map[string]struct {
		ranges      map[int16]kafka.VersionRange
		compression string
		state       State
		says        string
	}{
		"2.8":             {recent, "zstd", OK, "Produce 8 (broker: 0-9), Metadata 8 (broker: 0-11), InitProducerId 4 (broker: 0-4)"},
		"4.1":             {with(apiProduce, kafka.VersionRange{Min: 3, Max: 12}), "lz4", OK, "Produce 8"},
		"0.10":            {with(apiInitProducerID, kafka.VersionRange{}), "", Failed, "InitProducerId"},
		"old batches":     {with(apiProduce, kafka.VersionRange{Min: 0, Max: 2}), "", Failed, "does not know Produce 3 (broker: 0-2)"},
		"from the future": {with(apiProduce, kafka.VersionRange{Min: 9, Max: 20}), "", Failed, "(broker: 9-20)upgrade walpost"},
		"no zstd":         {with(apiProduce, kafka.VersionRange{Min: 0, Max: 6}), "zstd", Failed, "zstd"},
		"2.7":             {with(apiDescribeCluster, kafka.VersionRange{}), "", Warning, "2.8"},
	} {
		if q := checkVersions(tc.ranges, tc.compression); q.State != tc.state || !strings.Contains(q.Detail+q.Fix, tc.says) {
			t.Errorf("%s: %+v", name, q)
		}
	}
}
