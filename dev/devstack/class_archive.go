package devstack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	classArchive       = "kafka.jsa"
	archiveUse         = "-XX:SharedArchiveFile="
	archiveWrite       = "-XX:ArchiveClassesAtExit="
	archiveQuietly     = "-Xlog:cds=off"
	archiveQuietlyMore = "-Xlog:cds+dynamic=off"
)

// archiveFlags let Java take Kafka's classes from an archive (class data sharing, JEP 350), which halves the CPU time of
// a broker's start. No flags where this Java cannot write one. Java itself looks whether an archive fits, and goes
// without otherwise.
func archiveFlags(ctx context.Context, java, jars string, progress io.Writer) ([]string, error) {
	name, err := archiveName(java)
	if err != nil {
		return nil, err
	}
	dir, err := cached(ctx, name, func(ctx context.Context, dir string) error {
		say(progress, "writing the archive of Kafka's classes, for quick starts")
		if err := writeArchive(ctx, java, jars, filepath.Join(dir, classArchive)); err != nil {
			if ctx.Err() != nil {
				return err
			}
			say(progress, "brokers start without an archive of classes: %v", err)
		}
		return nil // the empty folder says that this Java has none
	})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, classArchive)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return []string{archiveUse + path, archiveQuietly, archiveQuietlyMore}, nil
}

// archiveName is one for each Kafka and each Java: another program, another name.
func archiveName(java string) (string, error) {
	path, err := filepath.EvalSymlinks(java)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", path, info.Size(), info.ModTime().UnixNano()))
	return fmt.Sprintf("kafka-%s-classes-%x", kafkaVersion, sum[:6]), nil
}

// writeArchive runs a broker that takes a record, and ends it by SIGTERM: Java writes the archive when it exits.
func writeArchive(ctx context.Context, java, jars, path string) (err error) {
	k, err := startKafka(ctx, Kafka{
		options: KafkaOptions{Brokers: 1, HeapMiB: 512, QuickStart: true}, java: java, jars: jars,
		atExit: []string{archiveWrite + path, archiveQuietly, archiveQuietlyMore},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	if err := k.CreateTopic(ctx, "t", 1, -1, nil); err != nil {
		return err
	}
	if err := k.Broker(1).Stop(ctx); err != nil {
		return err
	}
	_, err = os.Stat(path)
	return err
}
