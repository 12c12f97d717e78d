// Package snippet has the variables that the code of the pages is about.
package snippet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"

	"github.com/walpost/walpost/pkg/eventstore"
	"github.com/walpost/walpost/pkg/inbox"
	"github.com/walpost/walpost/pkg/inbox/deadletter"
	"github.com/walpost/walpost/pkg/inbox/inboxprom"
	"github.com/walpost/walpost/pkg/outbox"
	"github.com/walpost/walpost/pkg/outbox/retention"
	"github.com/walpost/walpost/pkg/projection"
)

var (
	ctx    context.Context
	err    error
	db     *sql.DB
	pool   *Pool
	roots  *x509.CertPool
	tx     pgx.Tx
	order  struct{ ID, Total string }
	config inbox.Config

	traceContext func(context.Context) (traceparent, tracestate string)

	stream eventstore.Stream
	apply  func(*balance, eventstore.Recorded) error
	amount int
	paid   int
	store  *eventstore.Store

	handle inbox.Handler[pgx.Tx]
)

type balance struct{ Sum int }

// Pool has the methods of *pgxpool.Pool that are called.
type Pool struct{}

func (*Pool) Begin(context.Context) (pgx.Tx, error) { return nil, nil }
func (*Pool) Exec(context.Context, string, ...any) (tag pgconn.CommandTag, err error) {
	return tag, nil
}
func (*Pool) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, nil }
func (*Pool) QueryRow(context.Context, string, ...any) pgx.Row        { return nil }
func (*Pool) Reset()                                                  {}
func (*Pool) Stat() *Stat                                             { return nil }

// Stat is *pgxpool.Stat.
type Stat struct{}

func (*Stat) MaxConns() int32 { return 0 }
