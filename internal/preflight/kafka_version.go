package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/walpost/walpost/internal/kafka"
)

// The numbers of the requests that records need, and the oldest version of each that
// walpost can work with. The versions that walpost sends are those of the connection.
const (
	apiProduce         = 0
	apiMetadata        = 3
	apiInitProducerID  = 22
	apiDescribeCluster = 60 // came with Kafka 2.8

	minProduce        = 3 // the first that carries record batches with headers
	minMetadata       = 4
	minInitProducerID = 0
	minProduceZstd    = 7
)

// versions checks what the broker understands.
func (c *clusterChecker) versions(ctx context.Context) Requirement {
	ranges, err := c.client.Versions(ctx)
	if err != nil {
		return Requirement{Name: "broker version", State: Failed, Detail: err.Error(), Fix: "run check again"}
	}
	return checkVersions(ranges, c.options.Compression)
}

func checkVersions(ranges map[int16]kafka.VersionRange, compression string) Requirement {
	const name, upgrade = "broker version", "upgrade Kafka to 2.8 or newer"
	failed := func(fix, detail string, args ...any) Requirement {
		return Requirement{Name: name, State: Failed, Detail: fmt.Sprintf(detail, args...), Fix: fix}
	}
	var spoken []string
	for _, need := range []struct {
		name      string
		api       int16
		min, sent int16
	}{
		{"Produce", apiProduce, minProduce, kafka.ProduceVersion},
		{"Metadata", apiMetadata, minMetadata, kafka.MetadataVersion},
		{"InitProducerId", apiInitProducerID, minInitProducerID, kafka.InitProducerIDVersion},
	} {
		r, known := ranges[need.api]
		switch {
		case !known:
			return failed(upgrade, "the broker does not know %s", need.name)
		case r.Max < need.min:
			return failed(upgrade, "the broker does not know %s %d (%s)", need.name, need.min, r)
		case r.Min > need.sent:
			return failed("upgrade walpost", "walpost speaks %s up to %d, the broker wants a newer one (%s)", need.name, need.sent, r)
		}
		spoken = append(spoken, fmt.Sprintf("%s %d (%s)", need.name, min(r.Max, need.sent), r))
	}
	if compression == "zstd" && ranges[apiProduce].Max < minProduceZstd {
		return failed("change kafka.compression, or "+upgrade, "the broker does not know zstd")
	}
	if _, recent := ranges[apiDescribeCluster]; !recent {
		return Requirement{Name: name, State: Warning, Detail: "older than Kafka 2.8, which walpost is not tested with", Fix: upgrade}
	}
	return Requirement{Name: name, Detail: "speaks " + strings.Join(spoken, ", ")}
}
