//go:build faults

package faults_test

import "time"

// chaosLasts is how long everything fails at random.
const chaosLasts = 90 * time.Second
