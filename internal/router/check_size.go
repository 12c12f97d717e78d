package router

import (
	"strconv"

	"github.com/walpost/walpost/internal/record"
)

func (r *Router) checkSize() *record.Rejection {
	limit := r.mapping.MaxBytes
	if r.discarded.Size > 0 {
		return &record.Rejection{
			Reason: record.ReasonTooLarge, Column: r.discardedName,
			Text: "column " + r.discardedName + " is of " + strconv.FormatUint(uint64(r.discarded.Size), 10) +
				" bytes, and its record larger than kafka.max_message_bytes (" + strconv.FormatInt(limit, 10) +
				"): raise it, and max.message.bytes of the topic",
		}
	}
	size := r.record.Size()
	if limit == 0 || size <= limit {
		return nil
	}
	return &record.Rejection{
		Reason: record.ReasonTooLarge,
		Text: "record of " + strconv.FormatInt(size, 10) + " bytes is larger than kafka.max_message_bytes (" +
			strconv.FormatInt(limit, 10) + "): raise it, and max.message.bytes of the topic",
	}
}
