package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// kafkaVersion is the release of Kafka that is fetched.
const kafkaVersion = "4.1.0"

// kafkaPOM asks Maven for Kafka and for the binding that lets it write a log.
const kafkaPOM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>walpost</groupId>
  <artifactId>devstack</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + kafkaVersion + `</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
  </dependencies>
</project>
`

// What StartKafka returns where something is missing that cannot be installed.
var (
	ErrNoJava  = errors.New("no Java found for Kafka: install Java 17 or newer (Debian: openjdk-17-jre-headless) or set JAVA_HOME")
	ErrNoMaven = errors.New("no Maven found to fetch Kafka with: install it (Debian: maven)")
)

// findJava finds the java program by JAVA_HOME and PATH, and otherwise installs it where we are root.
func findJava(ctx context.Context, progress io.Writer) (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if path, err := exec.LookPath(filepath.Join(home, "bin", "java")); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath("java"); err == nil {
		return path, nil
	}
	var err error
	for _, release := range []string{"21", "17"} { // Debian and Ubuntu have one of them each
		if err = aptInstall(ctx, progress, "openjdk-"+release+"-jre-headless"); err == nil {
			return exec.LookPath("java")
		}
	}
	return "", fmt.Errorf("%w (%w)", ErrNoJava, err)
}

// findKafka returns the folder with Kafka's jars in the cache; Maven fetches them the first time.
func findKafka(ctx context.Context, progress io.Writer) (string, error) {
	return cached(ctx, "kafka-"+kafkaVersion, func(ctx context.Context, dir string) error {
		if !installed("mvn") {
			if err := aptInstall(ctx, progress, "maven"); err != nil {
				return fmt.Errorf("%w (%w)", ErrNoMaven, err)
			}
		}
		say(progress, "fetching Kafka %s with Maven", kafkaVersion)
		pom := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(pom, []byte(kafkaPOM), 0o600); err != nil {
			return err
		}
		return maven(ctx, dir, "-f", pom, "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+dir)
	})
}
