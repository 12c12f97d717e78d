//go:build faults && soak

package faults_test

import (
	"time"

	"github.com/walpost/walpost/internal/wiring"
)

// The longest forms, of `make soak`.
const (
	rollingRounds = 5
	onceRounds    = 2                         // of each fault, with exactly_once
	halfOpen      = wiring.TransactionTimeout // and some seconds: Kafka aborts what is open
	outage        = time.Minute
	chaosLasts    = 90 * time.Second // how long everything fails at random
)
