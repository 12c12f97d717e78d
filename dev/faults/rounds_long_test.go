//go:build faults

package faults_test

import (
	"time"

	"github.com/walpost/walpost/internal/wiring"
)

// The long forms, of `make faults`.
const (
	rollingRounds = 5
	onceRounds    = 2                         // of each fault, with exactly_once
	halfOpen      = wiring.TransactionTimeout // and some seconds: Kafka aborts what is open
	outage        = time.Minute
)
