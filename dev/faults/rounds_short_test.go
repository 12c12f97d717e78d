//go:build !faults

package faults_test

import "time"

// The short forms, of `make test`.
const (
	rollingRounds = 1
	onceRounds    = 1 // of each fault, with exactly_once
	halfOpen      = time.Duration(0)
	outage        = 4 * time.Second
	chaosLasts    = 12 * time.Second // how long everything fails at random
)
