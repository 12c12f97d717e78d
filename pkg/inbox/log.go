package inbox

import (
	"log/slog"

	"github.com/IBM/sarama"
)

// Log returns an Observer that logs everything but KindProcessed: dead letters and stops as
// errors, retries and failures of Kafka as warnings, assignments and repeats as info. It logs
// ids and offsets, but no keys, payloads or headers, and of errors Observation.ErrorText.
func Log(logger *slog.Logger) Observer {
	return ObserverFunc(func(o Observation) {
		log := logger.Warn
		switch o.Kind {
		case KindProcessed:
			return // one for every record
		case KindAssigned, KindRevoked, KindRepeated, KindRebuilt:
			log = logger.Info
		case KindDeadLettered, KindStopped:
			log = logger.Error
		case KindRetrying, KindParked, KindWarned, KindKafkaFailed:
		}
		log(o.message(), o.attrs()...)
	})
}

// message says in a few words what has happened.
func (o Observation) message() string {
	texts := [...]string{
		KindAssigned: "partition assigned", KindRevoked: "partition revoked", KindRepeated: "repeat is dropped",
		KindRebuilt: "tables are rebuilt", KindRetrying: "failed, and is tried again", KindParked: "record is parked",
		KindWarned: "consumer is slowed down", KindKafkaFailed: "Kafka failed", KindDeadLettered: "record is a dead letter",
		KindStopped: "consumer stops",
	}
	if o.Projection != "" {
		return "projection: " + texts[o.Kind]
	}
	return "inbox: " + texts[o.Kind]
}

func (o Observation) attrs() []any {
	var attrs []any
	if o.Projection != "" {
		attrs = append(attrs, slog.String("projection", o.Projection), slog.Bool("rebuild", o.Rebuild))
	}
	if e := o.Event; e != nil {
		offset := slog.Int64("offset", e.Offset)
		if e.Offset == sarama.OffsetOldest { // the group has none yet
			offset = slog.String("offset", "oldest")
		}
		attrs = append(attrs, slog.String("topic", e.Topic), slog.Int("partition", int(e.Partition)), offset)
		if e.ID != "" {
			attrs = append(attrs, slog.String("id", e.shownID()), slog.Int("attempt", e.Attempt))
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
