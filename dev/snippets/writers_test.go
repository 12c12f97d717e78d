package snippets_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
	"github.com/walpost/walpost/internal/murmur2"
)

const outboxPage = "docs/outbox.md"

// shop has what the snippets write into. An event of an order whose id ends in "refused" makes the COMMIT fail, so
// that a snippet that does not use one transaction leaves the order behind.
const shop = `CREATE TABLE orders (id text PRIMARY KEY, total numeric NOT NULL);
CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL, type text NOT NULL, payload jsonb);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.aggregateid LIKE '%%refused' THEN RAISE 'refused at the end'; END IF;
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE ROLE %[1]s LOGIN;
GRANT INSERT ON orders, outbox TO %[1]s`

// writers is a database with an outbox, its relay, and what the programs need.
type writers struct {
	db   devstacktest.Database
	role string
}

// url is for a client that has no more rights than a writer.
func (w *writers) url() string { return strings.Replace(w.db.URL, "postgres@", w.role+"@", 1) }

// Every writer of docs/outbox.md writes an order and its event in one transaction, and the relay publishes each
// event as it publishes those of pkg/outbox.
func TestWritersInOtherLanguages(t *testing.T) {
	t.Parallel()
	const topic = "outbox.event.order"
	w := newWriters(t, topic)
	t.Run("place", func(t *testing.T) {
		for language, place := range map[string]func(*testing.T, *writers){
			"sql": placeSQL, "java": placeJava, "python": placePython, "node": placeNode,
		} {
			t.Run(language, func(t *testing.T) {
				t.Parallel()
				place(t, w)
			})
		}
	})
	all := []string{"sql", "jdbc", "jdbc-template", "jdbc-client", "psycopg", "pg"}
	var records []*sarama.ConsumerMessage
	devstacktest.Await(t, "the events in Kafka", func() (ok bool) {
		var err error
		records, err = stack.Kafka(t).Records(t.Context(), topic)
		records = slices.DeleteFunc(records, func(r *sarama.ConsumerMessage) bool { // those of other tests
			return !slices.Contains(all, string(r.Key))
		})
		return err == nil && len(records) >= len(all)
	})
	got := map[string]string{}
	for _, r := range records {
		if want := murmur2.Partition(r.Key, 3); r.Partition != want {
			t.Errorf("%s is in partition %d, want %d", r.Key, r.Partition, want)
		}
		got[string(r.Key)] = fmt.Sprintf("%s id=%s eventType=%s", r.Value, header(r, "id"), header(r, "eventType"))
	}
	for _, name := range all {
		id := devstacktest.Value[string](t, w.db.Conn, "SELECT id::text FROM outbox WHERE aggregateid = $1", name)
		if want := `{"total": 12.5} id=` + id + " eventType=OrderPlaced"; got[name] != want {
			t.Errorf("the record of %s is %s, want %s", name, got[name], want)
		}
	}
	placed := devstacktest.Value[[]string](t, w.db.Conn, "SELECT array_agg(id ORDER BY id) FROM orders")
	if slices.Sort(all); !slices.Equal(placed, all) || len(records) != len(all) {
		t.Errorf("%d records of the orders %q, want %q: a refused order was written without its event", len(records), placed, all)
	}
}

func header(r *sarama.ConsumerMessage, name string) string {
	for _, h := range r.Headers {
		if string(h.Key) == name {
			return string(h.Value)
		}
	}
	return ""
}

// newWriters starts a relay over a new database.
func newWriters(t *testing.T, topic string) *writers {
	t.Helper()
	kafka := stack.Kafka(t)
	w := &writers{db: stack.Database(t), role: stack.Name(t)}
	w.db.Exec(t, fmt.Sprintf(shop, w.role))
	if err := kafka.CreateTopic(t.Context(), topic, 3, -1, nil); err != nil {
		t.Fatal(err)
	}
	const configuration = "name: %s\npostgres: {url: %q}\nkafka: {brokers: [%q]}\nadmin: {listen: \"127.0.0.1:0\"}\n"
	file := write(t, t.TempDir(), "relay.yaml", fmt.Sprintf(configuration,
		w.db.Name, w.db.URL, kafka.Bootstrap(devstack.Plaintext)[0]))
	if text, err := clitest.Command(t, "init", "-c", file).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, text)
	}
	clitest.Start(t, "run", "-c", file).Ready(t)
	return w
}

// placeSQL writes as the page says, with another order.
func placeSQL(t *testing.T, w *writers) {
	text := snippet(t, outboxPage, "order.sql")
	if !strings.Contains(text, "'42'") {
		t.Fatal("order 42 is not in it")
	}
	conn := devstacktest.Connect(t, w.db.Server, w.db.Name)
	if _, err := conn.Exec(t.Context(), "SET SESSION AUTHORIZATION "+w.role); err != nil {
		t.Fatal(err)
	}
	place := func(order string) error {
		for _, statement := range strings.SplitAfter(strings.ReplaceAll(text, "'42'", "'"+order+"'"), ";\n") {
			if _, err := conn.PgConn().Exec(t.Context(), statement).ReadAll(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := place("sql"); err != nil {
		t.Error(err)
	}
	if err := place("sql-refused"); err == nil || !strings.Contains(err.Error(), "refused at the end") {
		t.Errorf("the refused order: %v", err)
	}
}

// placePython runs place of the page by testdata/place.py.
func placePython(t *testing.T, w *writers) {
	folder := t.TempDir()
	write(t, folder, "orders.py", snippet(t, outboxPage, "orders.py"))
	python, env := pythonWith(t, folder)
	cmd := exec.CommandContext(t.Context(), python, testdata(t, "place.py"), w.url(), "psycopg")
	cmd.Env = append(os.Environ(), env)
	runs(t, cmd)
}

// placeNode runs place of the page by testdata/place.mjs.
func placeNode(t *testing.T, w *writers) {
	node, folder := nodeWith(t)
	write(t, folder, "orders.mjs", snippet(t, outboxPage, "orders.mjs"))
	program := write(t, folder, "place.mjs", read(t, "dev/snippets/testdata/place.mjs"))
	runs(t, exec.CommandContext(t.Context(), node, program, w.url(), "pg"))
}

// placeJava compiles the classes of the page with testdata/Place.java, and runs them.
func placeJava(t *testing.T, w *writers) {
	sources := t.TempDir()
	for _, class := range []string{"JdbcOrders.java", "TemplateOrders.java", "ClientOrders.java"} {
		write(t, sources, class, snippet(t, outboxPage, class))
	}
	write(t, sources, "Place.java", read(t, "dev/snippets/testdata/Place.java"))
	java, classes := compile(t, sources)
	url := strings.NewReplacer("postgres://"+w.role+"@", "jdbc:postgresql://").Replace(w.url())
	runs(t, exec.CommandContext(t.Context(), java, "-cp", classes, "Place", url, w.role))
}
