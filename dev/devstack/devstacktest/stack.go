package devstacktest

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
)

// Stack starts each shared server when the first test asks for it. The zero value is ready. A test package has one, as
// a package variable, and a TestMain:
//
//	var stack devstacktest.Stack
//
//	func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }
type Stack struct {
	postgres shared[*devstack.Postgres]
	kafka    shared[*devstack.Kafka]
	names    atomic.Int64
}

// shared is a server that is started once.
type shared[T interface{ Close() error }] struct {
	once   sync.Once
	server T
	up     bool
	err    error
}

// get starts the server if nobody has yet.
func (s *shared[T]) get(t testing.TB, start func(context.Context) (T, error)) T {
	t.Helper()
	SkipShort(t, "a server")
	s.once.Do(func() {
		s.server, s.err = start(context.WithoutCancel(t.Context()))
		s.up = s.err == nil
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

func (s *shared[T]) close() error {
	if !s.up {
		return nil
	}
	return s.server.Close()
}

// foreign are the variables that clients and servers of the tests would obey, whatever the tests say: those of libpq,
// of Java's virtual machine, of Kafka's scripts, of systemd, and of our own programs.
var foreign = regexp.MustCompile(`^(PG[A-Z_]+|(JAVA_TOOL|JDK_JAVA)_OPTIONS|_JAVA_OPTIONS|CLASSPATH|KAFKA_[A-Z_]+|` +
	`NOTIFY_SOCKET|WATCHDOG_(USEC|PID)|NO_COLOR)$`)

// forget removes them from our environment.
func forget() {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); foreign.MatchString(name) {
			_ = os.Unsetenv(name) // it fails for a name that is none
		}
	}
}

// Main runs the tests, whatever is in the environment of who runs them, ends the shared servers and returns the exit code.
func (s *Stack) Main(m *testing.M) int {
	forget()
	skipErr := skipExamples()
	code := m.Run()
	for _, err := range []error{skipErr, s.postgres.close(), s.kafka.close()} {
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "devstacktest:", err) // there is no test left to report it
			code = max(code, 1)
		}
	}
	return code
}

// Postgres is the shared server. A test must not stop it or change settings of all databases.
func (s *Stack) Postgres(t testing.TB) *devstack.Postgres {
	t.Helper()
	return s.postgres.get(t, func(ctx context.Context) (*devstack.Postgres, error) {
		return devstack.StartPostgres(ctx, devstack.PostgresOptions{})
	})
}

// Kafka is the shared cluster of one broker. A test must not stop it.
func (s *Stack) Kafka(t testing.TB) *devstack.Kafka {
	t.Helper()
	return s.kafka.get(t, func(ctx context.Context) (*devstack.Kafka, error) {
		return devstack.StartKafka(ctx, devstack.KafkaOptions{QuickStart: true})
	})
}

// Name returns a name that no other test of the stack has, [a-z0-9_] and at most 40
// characters: for slots, publications, roles and relays.
func (s *Stack) Name(t testing.TB) string {
	t.Helper()
	name := strings.Trim(unfit.ReplaceAllString(strings.ToLower(t.Name()), "_"), "_")
	suffix := fmt.Sprintf("_%d", s.names.Add(1))
	const longest = 40
	return name[:min(len(name), longest-len(suffix))] + suffix
}

var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// Topic creates a topic of its own for the test in the shared Kafka and returns its name.
func (s *Stack) Topic(t testing.TB, partitions int32) string {
	t.Helper()
	name := s.Name(t)
	if err := s.Kafka(t).CreateTopic(t.Context(), name, partitions, -1, nil); err != nil {
		t.Fatal(err)
	}
	return name
}

// StartPostgres starts a server for one test, which may break it. A failed test shows the end of its log.
func StartPostgres(t testing.TB, options devstack.PostgresOptions) *devstack.Postgres {
	t.Helper()
	SkipShort(t, "a server")
	p, err := devstack.StartPostgres(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Postgres wrote:\n%s", p.LogTail())
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// StartProxy starts a proxy before a server, which the test's end closes.
func StartProxy(t testing.TB, upstream string) *devstack.Proxy {
	t.Helper()
	proxy, err := devstack.NewProxy(t.Context(), upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	return proxy
}

// StartKafka starts a cluster for one test, which may break it. A failed test shows the end of the brokers' logs.
func StartKafka(t testing.TB, options devstack.KafkaOptions) *devstack.Kafka {
	t.Helper()
	SkipShort(t, "a server")
	options.QuickStart = true
	k, err := devstack.StartKafka(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, b := range k.Brokers() {
			if t.Failed() {
				t.Logf("broker %d wrote:\n%s", b.ID(), b.LogTail())
			}
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// StartPgBouncer starts a pooler before a server, which the test's end closes. A failed test shows the end of its log.
func StartPgBouncer(t testing.TB, server *devstack.Postgres, options devstack.PgBouncerOptions) *devstack.PgBouncer {
	t.Helper()
	SkipShort(t, "a pooler")
	b, err := devstack.StartPgBouncer(t.Context(), server, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("PgBouncer wrote:\n%s", b.LogTail())
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
