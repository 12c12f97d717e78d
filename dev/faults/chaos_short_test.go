//go:build !faults

package faults_test

import "time"

// chaosLasts is how long everything fails at random: the short form.
const chaosLasts = 12 * time.Second
