package devstacktest

import (
	"bytes"
	"sync"
)

// Output keeps what a process or a logger writes, and can be read meanwhile. The zero value is ready.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// Sync makes it a zapcore.WriteSyncer.
func (o *Output) Sync() error { return nil }

// String is all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
