//go:build faults

package faults_test

import "time"

// The long forms, of `make faults`.
const (
	rollingRounds = 5
	outage        = time.Minute
)
