//go:build faults && !soak

package faults_test

import (
	"time"

	"github.com/walpost/walpost/internal/wiring"
)

// The long forms, of `make faults`.
const (
	rollingRounds = 2
	onceRounds    = 1                         // of each fault, with exactly_once
	halfOpen      = wiring.TransactionTimeout // and some seconds: Kafka aborts what is open
	outage        = 30 * time.Second
	chaosLasts    = 45 * time.Second // how long everything fails at random
)
