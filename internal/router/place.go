package router

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/record"
	"github.com/walpost/walpost/internal/router/debezium"
)

// setTimestampAndPartition sets timestamp and partition. Where a column is wrong the record gets
// the commit time, or goes by its key, and the row is rejected; the first
// rejection of a row wins.
func (r *Router) setTimestampAndPartition(p *plan, row pgoutput.Tuple, commitTime time.Time,
	first *record.Rejection,
) (*record.Rejection, error) {
	r.record.Timestamp, r.record.Partition = commitTime.UnixMilli(), -1
	if p.timestamp != nil && row[p.timestamp.index].Kind != pgoutput.Null {
		ms, rejection, err := timestamp(p, row)
		if err != nil {
			return nil, err
		}
		if rejection == nil {
			r.record.Timestamp = ms
		}
		first = cmp.Or(first, rejection)
	}
	if p.partition != nil && row[p.partition.index].Kind != pgoutput.Null {
		n, rejection, err := partition(p, row)
		if err != nil {
			return nil, err
		}
		if rejection == nil {
			r.record.Partition = n
		}
		first = cmp.Or(first, rejection)
	}
	return first, nil
}

// timestamp reads the timestamp column in milliseconds, cut toward 1970 as
// Debezium does.
func timestamp(p *plan, row pgoutput.Tuple) (int64, *record.Rejection, error) {
	c := p.timestamp
	v := row[c.index]
	if v.Kind != pgoutput.Text {
		return 0, nil, p.valueError(c, fmt.Sprintf("sent as kind %q, want text", v.Kind))
	}
	if debezium.Infinite(v.Data) {
		return 0, rejectTimestamp(c, "is infinite"), nil
	}
	ms, ok := debezium.Millis(v.Data)
	if !ok {
		return 0, nil, p.valueError(c, "text not in the form expected of timestamp")
	}
	if ms < 0 {
		return 0, rejectTimestamp(c, "is before 1970"), nil
	}
	return ms, nil, nil
}

func rejectTimestamp(c *column, what string) *record.Rejection {
	return &record.Rejection{
		Reason: record.ReasonTimestamp,
		Column: c.name,
		Text:   "timestamp in column " + c.name + " " + what + ", Kafka takes none such: write the column, or change " + keyTimestamp,
	}
}

// partition reads the partition column. Whether the topic has that partition is
// the producer's to judge.
func partition(p *plan, row pgoutput.Tuple) (int32, *record.Rejection, error) {
	c := p.partition
	v := row[c.index]
	if v.Kind != pgoutput.Text {
		return 0, nil, p.valueError(c, fmt.Sprintf("sent as kind %q, want text", v.Kind))
	}
	n, ok := debezium.ParseInt(v.Data)
	if !ok {
		return 0, nil, p.valueError(c, "text not in the form expected of an integer")
	}
	if n < 0 || n > math.MaxInt32 {
		return 0, &record.Rejection{
			Reason: record.ReasonPartition,
			Column: c.name,
			Text: "partition " + strconv.FormatInt(n, 10) + " in column " +
				c.name + " is out of range: write the column, or change " + keyPartition,
		}, nil
	}
	return int32(n), nil, nil
}
