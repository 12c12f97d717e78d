//go:build !faults

package faults_test

import "time"

// The short forms, of `make test`.
const (
	rollingRounds = 1
	outage        = 4 * time.Second
)
