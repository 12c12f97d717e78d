package cli

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/walpost/walpost/internal/config"
	"github.com/walpost/walpost/internal/postgres"
	"github.com/walpost/walpost/internal/postgres/catalog"
	"github.com/walpost/walpost/internal/preflight"
	"github.com/walpost/walpost/internal/status"
	"github.com/walpost/walpost/internal/wiring"
)

func newCheck(s *streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check -c FILE",
		Short: "Check every requirement, and show what repairs it",
		Long: `Check every requirement on the file, on Postgres and on Kafka: one line each, with its
state (ok, warning, failed) and the SQL or command that repairs it. Nothing is changed.
The exit code is 3 if one has failed.`,
		Example: "  walpost check -c orders.yaml\n  walpost check -c orders.yaml --json | jq '.[].requirements[] | select(.state != " +
			"\"ok\")'",
		Args: cobra.NoArgs,
	}
	load := files(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = onFiles(load, func(ctx context.Context, cfgs []*config.Config) error {
		return checkAll(ctx, s, cfgs, asJSON)
	})
	return cmd
}

// finding is one requirement, and whose it is.
type finding struct {
	Of string `json:"of"` // file, postgres, kafka
	preflight.Requirement
}

// checked is every requirement of one relay.
type checked struct {
	Relay        string          `json:"relay"`
	State        preflight.State `json:"state"` // the worst
	Requirements []finding       `json:"requirements"`
}

func checkAll(ctx context.Context, s *streams, cfgs []*config.Config, asJSON bool) error {
	out := newPrinter(s.out)
	var all []checked
	worst := preflight.OK
	for _, c := range cfgs {
		result := check(ctx, c)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		worst = max(worst, result.State)
		all = append(all, result)
		if !asJSON {
			out.checked(result, len(cfgs) > 1)
		}
	}
	if asJSON {
		out.err = writeJSON(s.out, all)
	}
	if out.err != nil {
		return out.err
	}
	if worst == preflight.Failed {
		return ended(status.ExitRequirement)
	}
	return nil
}

// check goes through everything of one relay. What cannot be checked because a
// server is unavailable is left out: the connection has failed then.
func check(ctx context.Context, cfg *config.Config) checked {
	result := checked{Relay: cfg.Name}
	add := func(of string, list ...preflight.Requirement) {
		for _, q := range list {
			result.State = max(result.State, q.State)
			result.Requirements = append(result.Requirements, finding{Of: of, Requirement: q})
		}
	}
	add("file", preflight.Requirement{Name: "configuration", State: preflight.OK, Detail: cfg.File})
	list, topics := checkPostgres(ctx, cfg)
	add("postgres", list...)
	add("kafka", checkKafka(ctx, cfg, topics)...)
	return result
}

// checkPostgres returns the topics of today's rows too, for Kafka's part.
func checkPostgres(ctx context.Context, cfg *config.Config) ([]preflight.Requirement, topicNames) {
	conn, err := wiring.Target(cfg).Connect(ctx)
	if err != nil {
		return []preflight.Requirement{preflight.UnreadableRequirement("connection", err)}, topicNamesWithoutTable(cfg)
	}
	defer postgres.HangUp(ctx, conn)
	list := []preflight.Requirement{{Name: "connection", State: preflight.OK, Detail: answering(cfg, conn)}}
	found, err := checkCatalogue(ctx, conn, cfg)
	if err != nil {
		return append(list, preflight.UnreadableRequirement("catalogue", err)), topicNamesWithoutTable(cfg)
	}
	list = append(append(list, found...), preflight.Replication(ctx, wiring.Target(cfg)))
	topics, err := readTopicNames(ctx, conn, cfg)
	if err != nil {
		return append(list, preflight.UnreadableRequirement("topic columns", err)), topicNamesWithoutTable(cfg)
	}
	return append(list, preflight.TopicNamesRequirements(topics.invalid, cfg.CheckTopic)...), topics
}

// answering is the server that has answered: of several hosts, which one.
func answering(cfg *config.Config, conn *pgx.Conn) string {
	target := wiring.Target(cfg)
	if hosts, err := target.Hosts(); err == nil && len(hosts.Names) > 1 {
		return target.Near(conn.PgConn()).Address()
	}
	return target.Address()
}

// checkCatalogue goes through what Postgres says of itself and of the outbox.
func checkCatalogue(ctx context.Context, conn *pgx.Conn, cfg *config.Config) ([]preflight.Requirement, error) {
	there, err := catalog.Inspect(ctx, conn, wiring.Names(cfg))
	if err != nil {
		return nil, err
	}
	types, err := catalog.ReadTypes(ctx, conn, there.Table)
	if err != nil {
		return nil, err
	}
	want, err := wiring.Wanted(cfg, types)
	if err != nil {
		return nil, err
	}
	return preflight.Postgres(there, want), nil
}
