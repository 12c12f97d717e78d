package relaytest

import "github.com/walpost/walpost/internal/producer"

// Observer is a relay.Observer that hears nothing. A test that counts embeds it.
type Observer = observer

type observer struct{ producer.NopObserver }

func (observer) ChangeIgnored(string) {}
func (observer) PostgresConnected()   {}
func (observer) Pruned(int)           {}
