package devstack

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The releases of Debezium and of Kafka Connect that are fetched. The latter is that of the brokers.
const (
	DebeziumVersion = "3.7.0.Final"
	ConnectVersion  = kafkaVersion
)

// connectPOM asks Maven for Kafka Connect, and debeziumPOM for the archive that Debezium publishes as its plugin.
const (
	pomHead = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>walpost</groupId>
  <artifactId>devstack</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
`
	pomFoot = `  </dependencies>
</project>
`
	connectPOM = pomHead + `    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId>
      <version>` + ConnectVersion + `</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
` + pomFoot
	debeziumPOM = pomHead + `    <dependency><groupId>io.debezium</groupId><artifactId>debezium-connector-postgres</artifactId>
      <version>` + DebeziumVersion + `</version><classifier>plugin</classifier><type>tar.gz</type></dependency>
` + pomFoot
)

// Debezium is what it takes to run Debezium's Postgres connector in Kafka Connect.
type Debezium struct {
	Java    string // program
	Connect string // folder with the jars of Kafka Connect, for the class path
	Plugins string // folder for the worker's plugin.path
}

// FindDebezium returns the connector and Kafka Connect from the cache; Maven fetches them the first time.
func FindDebezium(ctx context.Context, progress io.Writer) (Debezium, error) {
	java, err := findJava(ctx, progress)
	if err != nil {
		return Debezium{}, err
	}
	dir, err := cached(ctx, "debezium-"+DebeziumVersion+"-"+ConnectVersion, func(ctx context.Context, dir string) error {
		if !installed("mvn") {
			if err := aptInstall(ctx, progress, "maven"); err != nil {
				return fmt.Errorf("%w (%w)", ErrNoMaven, err)
			}
		}
		say(progress, "fetching Debezium %s and Kafka Connect %s with Maven", DebeziumVersion, ConnectVersion)
		return fetchDebezium(ctx, dir)
	})
	return Debezium{
		Java: java, Connect: filepath.Join(dir, "connect"), Plugins: filepath.Join(dir, "plugins"),
	}, err
}

func fetchDebezium(ctx context.Context, dir string) error {
	for _, f := range []struct {
		folder, pom string
		goal        []string
	}{
		{"connect", connectPOM, []string{"dependency:copy-dependencies", "-DincludeScope=runtime"}},
		{"plugins", debeziumPOM, []string{"dependency:unpack-dependencies", "-DincludeClassifiers=plugin"}},
	} {
		pom := filepath.Join(dir, f.folder+".xml")
		if err := os.WriteFile(pom, []byte(f.pom), 0o600); err != nil {
			return err
		}
		argv := append([]string{"-f", pom, "-DoutputDirectory=" + filepath.Join(dir, f.folder)}, f.goal...)
		if err := maven(ctx, dir, argv...); err != nil {
			return err
		}
	}
	return nil
}
