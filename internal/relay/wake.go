package relay

import "sync/atomic"

// stir tells the guard that the server has gone on in the WAL, by a transaction or a
// keepalive, since the guard asked for it. It costs the stream one load.
type stir struct {
	asked atomic.Bool
	told  signal
}

// listen asks to be told of what happens from now on.
func (s *stir) listen() {
	select {
	case <-s.told: // of before
	default:
	}
	s.asked.Store(true)
}

func (s *stir) happened() {
	if s.asked.Load() && s.asked.Swap(false) {
		s.told.give()
	}
}

// signal says that something has changed. One that waits stands for all that came
// meanwhile.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

// give never blocks.
func (s signal) give() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// waker calls the Wake of the present stream, whichever it is.
type waker struct{ present atomic.Pointer[func()] }

func (w *waker) call() {
	if f := w.present.Load(); f != nil {
		(*f)()
	}
}

// set makes f the function to call and returns what takes it back.
func (w *waker) set(f func()) (unset func()) {
	w.present.Store(&f)
	return func() { w.present.CompareAndSwap(&f, nil) }
}
