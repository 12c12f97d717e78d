package kafka

import (
	"context"
	"fmt"
	"strings"
)

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
		case !ok:
			return Requirement{name, Failed, "the broker does not know " + need.name, upgrade}
		case r.max < need.least:
			return Requirement{name, Failed, fmt.Sprintf("the broker does not know %s %d (%s)", need.name, need.least, r), upgrade}
		case r.min > need.spoken:
			return Requirement{name, Failed, fmt.Sprintf("walpost speaks %s up to %d, the broker wants a newer one (%s)", need.name, need.spoken, r), "upgrade walpost"}
		}
		words = append(words, fmt.Sprintf("%s %d (%s)", need.name, min(r.max, need.spoken), r))
	}
	if compression == "zstd" && ranges[apiProduce].max < produceZstd {
		return Requirement{name, Failed, "the broker does not know zstd", "change kafka.compression, or " + upgrade}
	}
	if _, recent := ranges[apiDescribeCluster]; !recent {
		return Requirement{name, Warning, "older than Kafka 2.8, which walpost is not tested with", upgrade}
	}
	return Requirement{Name: name, Detail: "speaks " + strings.Join(words, ", ")}
}
