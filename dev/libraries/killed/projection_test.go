package killed_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/dev/devstack/pause"
	"github.com/walpost/walpost/pkg/projection"
)

// seenTable is a read model of all records. One that is applied twice is refused, and ends the projection.
const seenTable = `CREATE TABLE seen (n bigint GENERATED ALWAYS AS IDENTITY, topic text, part int, pos bigint, content text,
	PRIMARY KEY (topic, part, pos))`

func newProjection(c child, db *sql.DB) (*projection.Projection, error) {
	return projection.New(projection.Config{
		Name: c.Group, Brokers: c.Brokers, Topics: c.Topics, Tables: []string{"seen"}, Batch: 20, ConfigureSarama: quick,
	}, projection.SQL(db), func(ctx context.Context, tx *sql.Tx, e *projection.Event) error {
		content := newContent(e.Topic, e.Key, e.Payload)
		for _, h := range e.Headers {
			content.header(h.Name, h.Value)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO "+e.Table("seen")+" (topic, part, pos, content) VALUES ($1, $2, $3, $4)",
			e.Topic, e.Partition, e.Offset, content.String())
		return err
	})
}

// project keeps the read model.
func project(ctx context.Context, c child, db *sql.DB) error {
	p, err := newProjection(c, db)
	if err != nil {
		return err
	}
	return p.Run(ctx)
}

// rebuild builds the read model anew, again and again.
func rebuild(ctx context.Context, c child, db *sql.DB) error {
	p, err := newProjection(c, db)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := p.Rebuild(ctx); err != nil {
			return err
		}
	}
	return nil
}

// model is a projection, its topics, and what was written to them.
type model struct {
	devstacktest.Database
	writer *writer
	child  child
	lives  int
	count  int // of what was read the last time
}

func newModel(t *testing.T) *model {
	t.Helper()
	ddl, err := projection.DDL("")
	if err != nil {
		t.Fatal(err)
	}
	m := &model{Database: stack.Database(t)}
	m.Exec(t, ddl, seenTable)
	name := stack.Name(t)
	m.child = child{
		Brokers: stack.Kafka(t).Bootstrap(devstack.Plaintext), Group: name, Database: m.URL,
		Topics: []string{stack.Topic(t, partitions), stack.Topic(t, partitions)},
	}
	m.writer = newWriter(t, stack.Kafka(t), m.child.Topics, name, devstacktest.Rand(t))
	return m
}

// A projection and its rebuilds that are killed every second apply each record once, in order, whatever it is, and readers
// never see less than before.
func TestProjectionKilledEverySecond(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	for range kills {
		m.life(t)
	}
	m.writer.last(partitions)
	last, moved := "", time.Now()
	for !m.complete(t) {
		m.life(t)
		if at := m.position(t); at != last {
			last, moved = at, time.Now()
		}
		if time.Since(moved) > devstacktest.Patience {
			t.Fatalf("the projection stands: generation, offsets and the rebuild's are %s", last)
		}
	}
	m.judge(t)
}

// life starts both, writes meanwhile, and kills both within a second.
func (m *model) life(t *testing.T) {
	t.Helper()
	var processes []*devstacktest.Process
	for _, work := range []string{"project", "rebuild"} {
		c := m.child
		c.Work = work
		processes = append(processes, devstacktest.Start(t, c.command(t)))
	}
	for _, topic := range m.writer.topics {
		m.write(topic)
	}
	before := m.position(t)
	processes[0].Until(t, "progress", func() bool { m.look(t); return m.position(t) != before || m.complete(t) })
	m.lives++
	pause.Real(t, devstacktest.Upto(m.writer.rand, longestLife(m.lives)), "the moment of a kill")
	for _, p := range processes {
		p.Kill(t)
	}
	m.look(t)
}

// write writes some of everything that may be in a topic.
func (m *model) write(topic string) {
	w := m.writer
	for range 200 {
		w.send(once, w.event(topic, good))
	}
	nothing := w.event(topic, good)
	nothing.Key, nothing.Value, nothing.Headers = nil, nil, nil
	w.send(once, w.undecodable(topic), nothing, w.event(topic, good, "walpost-dlt-topic", topic))
	w.transactions(topic)
}

// position is how far the projection and its rebuild are.
func (m *model) position(t *testing.T) (text string) {
	t.Helper()
	const query = `SELECT coalesce(string_agg(concat_ws(' ', projection, generation, next), ', '), '') FROM
		(SELECT projection, generation, sum(next_offset) AS next FROM projection_position GROUP BY 1, 2 ORDER BY 1, 2) AS sums`
	return devstacktest.Value[string](t, m.Conn, query)
}

// look is a reader of the model.
func (m *model) look(t *testing.T) {
	t.Helper()
	n := devstacktest.Value[int](t, m.Conn, "SELECT count(*) FROM seen")
	if n < m.count {
		t.Errorf("a reader saw %d records after %d", n, m.count)
	}
	m.count = n
}

// visible are the records that a projection may see.
func (m *model) visible() (all []written) {
	for _, w := range m.writer.written {
		if w.fate != never {
			all = append(all, w)
		}
	}
	return all
}

// complete reports whether all is applied, and the tables were replaced more than once.
func (m *model) complete(t *testing.T) bool {
	t.Helper()
	n := devstacktest.Value[int](t, m.Conn, "SELECT count(*) FROM seen")
	generation := devstacktest.Value[int](t, m.Conn, "SELECT coalesce(max(generation), 0) FROM projection_position")
	return n >= len(m.visible()) && generation > 1
}

func (m *model) judge(t *testing.T) {
	t.Helper()
	visible := m.visible()
	for _, w := range visible {
		var content string
		err := m.Conn.QueryRow(t.Context(), "SELECT content FROM seen WHERE topic = $1 AND part = $2 AND pos = $3",
			w.Topic, w.Partition, w.Offset).Scan(&content)
		if err != nil || content != w.content(w.Topic) {
			t.Errorf("%s is %q in the model, %v", name(w.ProducerMessage), content, err)
		}
	}
	if n := devstacktest.Value[int](t, m.Conn, "SELECT count(*) FROM seen"); n != len(visible) {
		t.Errorf("%d records in the model, want %d", n, len(visible))
	}
	if n := devstacktest.Value[int](t, m.Conn, `SELECT count(*) FROM (SELECT pos < lag(pos) OVER (PARTITION BY topic, part ORDER BY n)
		AS back FROM seen) AS x WHERE back`); n > 0 {
		t.Errorf("%d records out of order", n)
	}
	t.Logf("%d records written, at the end %s", len(m.writer.written), m.position(t))
}
