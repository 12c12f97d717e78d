package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/walpost/walpost/internal/pgname"
	"github.com/walpost/walpost/internal/topicname"
)

// The values of outbox.source.
const (
	sourceTable   = "table"
	sourceMessage = "message"
)

// The values of outbox.writers.
const (
	writersGranted = "granted"
	writersAny     = "any"
)

const (
	onRejectDeadLetter = "dead_letter"
	exactlyOnce        = "exactly_once"
	oauthBearer        = "OAUTHBEARER"
)

func checkPublication(name string) error {
	if len(name) > pgname.MaxLength {
		return fmt.Errorf("want the name of a publication of at most %d bytes", pgname.MaxLength)
	}
	return nil
}

func checkGlob(glob string) error {
	if _, err := path.Match(glob, ""); err != nil || glob == "" {
		return errors.New("want a glob like orders.*: * and ? stand for characters, [a-z] for one of a set, \\ takes the meaning from " +
			"the next")
	}
	return nil
}

// checkHostPort checks what has passed hostPortPattern.
func checkHostPort(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("want host:port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("want a port from 1 to 65535")
	}
	return checkBracketed(address, host)
}

// checkListen checks what has passed listenPattern. Port 0 is any free one.
func checkListen(address string) error {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("want host:port")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("want a port from 0 to 65535")
	}
	return checkBracketed(address, host)
}

func checkBracketed(address, host string) error {
	if !strings.HasPrefix(address, "[") || host == "" {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return errors.New("want an IPv6 address between the brackets")
	}
	return nil
}

// checkFile wants a file that can be opened now; what is in it is judged by who
// uses it.
func checkFile(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("want a file that can be read (%w)", cause(err))
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return errors.New("want a file, and this is a folder")
	}
	return nil
}

// checkTopic checks the literal parts by the rules of topicname. What the columns give is
// judged at each record.
func checkTopic(t topicname.Template) error {
	if t.IsZero() {
		return errors.New("want a topic name, or a template like outbox.event.{aggregatetype}")
	}
	var literals strings.Builder
	for _, p := range t {
		if len(p.Column) > pgname.MaxLength {
			return fmt.Errorf("want column names of at most %d bytes", pgname.MaxLength)
		}
		if !topicname.ValidCharacters(p.Literal) {
			return errors.New("want letters, digits, ., _ and - around the columns, as Kafka does in topic names")
		}
		literals.WriteString(p.Literal)
	}
	literal := literals.String()
	switch {
	case len(literal) > topicname.MaxLength:
		return fmt.Errorf("want at most %d characters, as Kafka does in topic names", topicname.MaxLength)
	case topicname.Reserved(t[0].Literal):
		return errors.New("want a name that does not begin with __, which Kafka keeps for itself")
	case len(t.Columns()) == 0 && (literal == "." || literal == ".."):
		return errors.New("want a name of more than dots, as Kafka does")
	}
	return nil
}

func checkDeadLetter(t topicname.Template) error {
	for _, column := range t.Columns() {
		if column != "topic" {
			return errors.New("want {topic} as the only placeholder: a dead letter goes by the topic of its record")
		}
	}
	if t.String() == "{topic}" {
		return errors.New("want a topic other than that of the record, like {topic}.DLT")
	}
	return checkTopic(t)
}
