package kafka

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"
)

// maxIterations bounds how often a broker may have the password hashed. Nobody can
// stop a hash that has begun, so a broker that asks for 2,147,483,647 would keep a core
// busy for half an hour at each connection, before it has proved anything. Kafka itself
// stores 4,096 to 16,384; other brokers go higher. A million takes about a second.
const maxIterations = 1_000_000

// errIterations marks a broker that asks for more than maxIterations.
var errIterations = errors.New("SCRAM iterations")

// scramClient is one SCRAM exchange (RFC 5802).
type scramClient struct {
	sasl *SASL
	hash scram.HashGeneratorFcn
	conv *scram.ClientConversation
}

// Begin takes the user from sarama and the password from its source. The strings
// are not prepared (SASLprep): Kafka's brokers and Java client do not either.
func (c *scramClient) Begin(user, _, authzID string) error {
	password, err := c.sasl.password()
	if err != nil {
		return err
	}
	client, err := c.hash.NewClientUnprepped(user, password, authzID)
	if err != nil {
		return err
	}
	c.conv = client.NewConversation()
	return nil
}

// Step answers one challenge of the broker.
func (c *scramClient) Step(challenge string) (string, error) {
	if err := boundIterations(challenge); err != nil {
		return "", err
	}
	return c.conv.Step(challenge)
}

// boundIterations looks at every field of a message for a number of iterations: only
// the broker's first message has one, and what else is wrong with it is for the
// conversation to say.
func boundIterations(challenge string) error {
	for field := range strings.SplitSeq(challenge, ",") {
		text, ok := strings.CutPrefix(field, "i=")
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(text); err == nil && n > maxIterations {
			return fmt.Errorf("the broker asks for %d %w, at most %d are done", n, errIterations, maxIterations)
		}
	}
	return nil
}

// Done reports whether the exchange is over.
func (c *scramClient) Done() bool { return c.conv.Done() }
