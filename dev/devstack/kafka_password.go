package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// SetPassword sets a password of a user for both SCRAM mechanisms, and returns when every
// running broker takes it. For PLAIN passwords are those of the options.
func (k *Kafka) SetPassword(ctx context.Context, user, password string) error {
	mechanisms := []sarama.ScramMechanismType{sarama.SCRAM_MECHANISM_SHA_256, sarama.SCRAM_MECHANISM_SHA_512}
	err := k.administer(func(admin sarama.ClusterAdmin) error {
		for _, mechanism := range mechanisms { // one by one: a request that names a user twice is refused
			if err := upsertPassword(admin, mechanism, user, password); err != nil {
				return fmt.Errorf("set password of %s: %w", user, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return k.each(func(b *Broker) error {
		if !b.running() {
			return nil
		}
		return poll(ctx, func() error { return b.login(user, password) })
	})
}

func upsertPassword(admin sarama.ClusterAdmin, mechanism sarama.ScramMechanismType, user, password string) error {
	const iterations = 4096 // the least that Kafka takes
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	results, err := admin.UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{
		Name: user, Mechanism: mechanism, Iterations: iterations, Salt: salt, Password: []byte(password),
	}})
	if err != nil {
		return err
	}
	for _, r := range results {
		if !errors.Is(r.ErrorCode, sarama.ErrNoError) {
			return r.ErrorCode
		}
	}
	return nil
}

// login tries a password by SCRAM-SHA-512, the mechanism that is set last.
func (b *Broker) login(user, password string) error {
	config := b.kafka.clientConfig()
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = sarama.SASLTypeSCRAMSHA512
	config.Net.SASL.User, config.Net.SASL.Password = user, password
	config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return new(scramClient) }
	conn := sarama.NewBroker(b.Addr(SASLPlaintext))
	if err := conn.Open(config); err != nil {
		return err
	}
	_, err := conn.Connected()
	_ = conn.Close() // an error for one that never connected
	return err
}

// scramClient lets sarama speak SCRAM-SHA-512.
type scramClient struct {
	*scram.ClientConversation
}

// Begin implements sarama.SCRAMClient.
func (c *scramClient) Begin(user, password, authzID string) error {
	client, err := scram.SHA512.NewClient(user, password, authzID)
	if err != nil {
		return err
	}
	c.ClientConversation = client.NewConversation()
	return nil
}
