package pgoutputtest

import "github.com/walpost/walpost/internal/pgoutput"

// Outbox is Debezium's outbox table as the server announces it:
// outbox(id uuid, aggregatetype text, aggregateid text, type text, payload jsonb).
func Outbox() *pgoutput.Relation {
	return &pgoutput.Relation{
		ID: 16385, Namespace: "public", Name: "outbox", ReplicaIdentity: 'd',
		Columns: []pgoutput.Column{
			{Name: "id", TypeOID: 2950, TypeMod: -1, Key: true},
			{Name: "aggregatetype", TypeOID: 25, TypeMod: -1},
			{Name: "aggregateid", TypeOID: 25, TypeMod: -1},
			{Name: "type", TypeOID: 25, TypeMod: -1},
			{Name: "payload", TypeOID: 3802, TypeMod: -1},
		},
	}
}

// OutboxRow is a row of Outbox with a payload of the usual size.
func OutboxRow() pgoutput.Tuple {
	return Row("6f1c0c1e-4a53-4b0e-9a3e-0f2f1f5d8a11", "order", "42", "OrderCreated",
		`{"id": 42, "items": [{"qty": 1, "sku": "A-1"}, {"qty": 2, "sku": "B-7"}], "total": "129.90", `+
			`"customer": {"id": 7, "name": "Ada Lovelace", "email": "ada@example.org"}, "currency": "EUR", `+
			`"shipping": {"city": "London", "street": "12 St James's Square"}}`)
}
