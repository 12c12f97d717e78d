package relay

import (
	"sync/atomic"

	"github.com/walpost/walpost/internal/notify"
	"github.com/walpost/walpost/internal/pgoutput"
	"github.com/walpost/walpost/internal/relay/past"
)

// pipelineStats is what other goroutines read of a pipeline.
type pipelineStats struct {
	events      atomic.Uint64 // last number given out
	confirmed   atomicLSN     // as Confirmed returned last; for logs
	fullChanged notify.Signal
	walProgress *notify.Armed // the server has advanced in the WAL, by a transaction or a keepalive
	times       past.Times
}

// atomicLSN is an LSN that one goroutine writes and others read.
type atomicLSN struct{ value atomic.Uint64 }

func (a *atomicLSN) Load() pgoutput.LSN { return pgoutput.LSN(a.value.Load()) }

func (a *atomicLSN) Store(lsn pgoutput.LSN) { a.value.Store(uint64(lsn)) }
