package relaytest

import "time"

// Observer is a relay.Observer that hears nothing. A test that counts embeds it.
type Observer = observer

type observer struct{}

func (observer) Published(string, int, int) {}
func (observer) Rejected(string, string)    {}
func (observer) DeadLettered(string)        {}
func (observer) ProduceError(string)        {}
func (observer) PossibleRepeats(int)        {}
func (observer) CommitToAck(time.Duration)  {}
func (observer) Request(time.Duration)      {}
func (observer) Reconnected()               {}
func (observer) ChangeIgnored(string)       {}
func (observer) PostgresConnected()         {}
func (observer) Pruned(int)                 {}
