package inbox

import (
	"context"
	"log/slog"
)

// Log is an Observer that logs everything but Processed and Repeated: what is tried
// again and what Kafka fails at as warnings, dead letters and stops as errors. It
// logs ids and offsets, never keys, payloads or headers.
func Log(logger *slog.Logger) Observer {
	return ObserverFunc(func(o Observation) {
		level := slog.LevelInfo
		switch o.Kind {
		case Processed, Repeated:
			return
		case Retrying, KafkaFailed:
			level = slog.LevelWarn
		case DeadLettered, Stopped:
			level = slog.LevelError
		}
		logger.LogAttrs(context.Background(), level, "inbox: "+o.Kind.String(), o.attrs()...)
	})
}

func (o Observation) attrs() []slog.Attr {
	var attrs []slog.Attr
	if e := o.Event; e != nil {
		attrs = append(attrs, slog.String("topic", e.Topic), slog.Int("partition", int(e.Partition)), slog.Int64("offset", e.Offset))
		if e.ID != "" {
			attrs = append(attrs, slog.String("id", e.ID), slog.Int("attempt", e.Attempt))
		}
	}
	if o.Err != nil {
		attrs = append(attrs, slog.String("error", o.Err.Error()), slog.String("class", o.Class.String()))
	}
	if o.Wait > 0 {
		attrs = append(attrs, slog.Duration("wait", o.Wait))
	}
	return attrs
}
