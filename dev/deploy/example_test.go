package deploy_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walpost/walpost/dev/devstack"
	"github.com/walpost/walpost/dev/devstack/devstacktest"
	"github.com/walpost/walpost/internal/cli/clitest"
)

// What docker-compose.yml puts together works together: its roles and table, its
// file, its commands and its example service, on real servers without containers.
func TestComposeWorks(t *testing.T) {
	t.Parallel()
	c := loadCompose(t, composeFile)
	postgres := devstacktest.StartPostgres(t, devstack.PostgresOptions{Password: "postgres"})
	if err := postgres.CreateDatabase(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Exec(t.Context(), "shop", read(t, "testdata/compose/postgres/shop.sql")); err != nil {
		t.Fatal(err)
	}
	admin := devstacktest.FreeAddress(t)
	here := strings.NewReplacer("postgres:5432", postgres.Addr(), "kafka:19092", stack.Kafka(t).Bootstrap(devstack.Plaintext)[0],
		"0.0.0.0:9464", admin, "/etc/walpost", write(t, "shop.yaml", ""))
	file := here.Replace("/etc/walpost")
	if err := os.WriteFile(file, []byte(here.Replace(read(t, "testdata/compose/walpost/shop.yaml"))), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(service string) *exec.Cmd {
		cmd := clitest.Command(t, strings.Fields(here.Replace(strings.Join(c.Services[service].Command, " ")))...)
		for key, value := range c.Services[service].Environment {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
		return cmd
	}
	if text, err := command("init").CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, text)
	}
	devstacktest.Start(t, command("walpost"))
	devstacktest.Await(t, "the relay to be ready", func() bool {
		resp, err := http.Get("http://" + admin + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	health := command("walpost")
	health.Args = append(health.Args[:1], strings.Fields(here.Replace(strings.Join(healthCommand(t), " ")))...)
	if text, err := health.CombinedOutput(); err != nil {
		t.Errorf("health: %v\n%s", err, text)
	}
	producer := filepath.Join(t.TempDir(), "producer")
	run(t, ".", "go", "build", "-o", producer, "./examples/producer")
	service := exec.CommandContext(t.Context(), producer)
	service.Env = []string{"DATABASE_URL=" + here.Replace(c.Services["producer"].Environment["DATABASE_URL"])}
	devstacktest.Start(t, service)
	devstacktest.Await(t, "an order in Kafka", func() bool {
		records, err := stack.Kafka(t).Records(t.Context(), "outbox.event.order")
		return err == nil && len(records) > 0
	})
}
