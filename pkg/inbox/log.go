package inbox

import "log/slog"

// Log is an Observer that logs everything but KindProcessed: what is tried again and what
// Kafka fails at as warnings, dead letters and stops as errors. It logs ids and offsets,
// never keys, payloads or headers. What it
// says of errors is Observation.ErrorText.
func Log(logger *slog.Logger) Observer {
	return ObserverFunc(func(o Observation) {
		switch o.Kind {
		case KindAssigned:
			logger.Info("inbox: partition assigned", o.attrs()...)
		case KindRevoked:
			logger.Info("inbox: partition revoked", o.attrs()...)
		case KindRetrying:
			logger.Warn("inbox: record is tried again", o.attrs()...)
		case KindParked:
			logger.Warn("inbox: record is parked", o.attrs()...)
		case KindWarned:
			logger.Warn("inbox: consumer is slowed down", o.attrs()...)
		case KindKafkaFailed:
			logger.Warn("inbox: Kafka failed", o.attrs()...)
		case KindDeadLettered:
			logger.Error("inbox: record is a dead letter", o.attrs()...)
		case KindStopped:
			logger.Error("inbox: consumer stops", o.attrs()...)
		case KindRepeated:
			logger.Info("inbox: repeat is dropped", o.attrs()...)
		case KindProcessed: // one for every record
		}
	})
}

func (o Observation) attrs() []any {
	var attrs []any
	if e := o.Event; e != nil {
		attrs = append(attrs, slog.String("topic", e.Topic), slog.Int("partition", int(e.Partition)), slog.Int64("offset", e.Offset))
		if e.ID != "" {
			attrs = append(attrs, slog.String("id", e.ID), slog.Int("attempt", e.Attempt))
		}
	}
	if o.Err != nil {
		attrs = append(attrs, slog.String("error", o.ErrorText), slog.String("class", o.Class.String()))
	}
	if o.Wait > 0 {
		attrs = append(attrs, slog.Duration("wait", o.Wait))
	}
	return attrs
}
