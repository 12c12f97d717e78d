package relaytest

import "github.com/walpost/walpost/internal/producer"

// Observer is a relay.Observer that ignores everything. A test that observes something embeds it.
type Observer struct{ producer.NopObserver }

// ChangeIgnored ignores a change that is no event.
func (Observer) ChangeIgnored(string) {}

// PostgresConnected ignores a connection.
func (Observer) PostgresConnected() {}

// Pruned ignores deleted rows.
func (Observer) Pruned(int) {}
