package outbox_test

import (
	"context"
	"testing"

	"github.com/walpost/walpost/pkg/outbox"
)

func TestDDL(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config outbox.Config
		want   string
	}{
		"default": {outbox.Config{}, `CREATE TABLE "public"."outbox" (
    "id" uuid NOT NULL,
    "aggregatetype" text NOT NULL,
    "aggregateid" text NOT NULL,
    "type" text NOT NULL,
    "payload" jsonb,
    PRIMARY KEY ("id")
);
`},
		"partitioned, with everything": {
			outbox.Config{
				Table: `Sales."Out""Box"`, Partitioned: true,
				Columns:      outbox.Columns{SchemaVersion: "version"},
				Headers:      []outbox.HeaderColumn{{Header: "Tenant", Column: "tenant"}},
				Types:        map[string]string{"payload": "bytea", "tenant": "uuid", "aggregateid": "varchar(40)"},
				TraceContext: func(context.Context) (parent, state string) { return "", "" },
			}, `CREATE TABLE "sales"."Out""Box" (
    "id" uuid NOT NULL,
    "aggregatetype" text NOT NULL,
    "aggregateid" varchar(40) NOT NULL,
    "type" text NOT NULL,
    "payload" bytea,
    "version" integer,
    "traceparent" text,
    "tracestate" text,
    "tenant" uuid,
    "created_at" timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY ("id", "created_at")
) PARTITION BY RANGE ("created_at");
CREATE TABLE "sales"."Out""Box_default" PARTITION OF "sales"."Out""Box" DEFAULT;
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := outbox.DDL(test.config)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	if _, err := outbox.DDL(outbox.Config{Table: "a b"}); err == nil {
		t.Error("a table that cannot be")
	}
}
