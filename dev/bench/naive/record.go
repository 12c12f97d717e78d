package naive

import (
	"fmt"

	"github.com/IBM/sarama"
	"github.com/jackc/pglogrepl"
)

// columns are the places of the outbox' columns in a row.
type columns struct{ id, topic, key, kind, payload int }

func findColumns(m *pglogrepl.RelationMessage) (columns, error) {
	at := map[string]int{}
	for i, c := range m.Columns {
		at[c.Name] = i
	}
	for _, name := range []string{"id", "aggregatetype", "aggregateid", "type", "payload"} {
		if _, ok := at[name]; !ok {
			return columns{}, fmt.Errorf("table %s has no column %s", m.RelationName, name)
		}
	}
	return columns{id: at["id"], topic: at["aggregatetype"], key: at["aggregateid"], kind: at["type"], payload: at["payload"]}, nil
}

// record is a row as Debezium's Outbox Event Router writes it.
func (c columns) record(prefix string, row *pglogrepl.TupleData, commit pglogrepl.LSN) *sarama.ProducerMessage {
	value := func(i int) []byte { return row.Columns[i].Data }
	return &sarama.ProducerMessage{
		Topic: prefix + "." + string(value(c.topic)),
		Key:   sarama.ByteEncoder(value(c.key)),
		Value: sarama.ByteEncoder(value(c.payload)),
		Headers: []sarama.RecordHeader{
			{Key: []byte("id"), Value: value(c.id)},
			{Key: []byte("eventType"), Value: value(c.kind)},
		},
		Metadata: commit,
	}
}
