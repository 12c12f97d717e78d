package relay

import "sync/atomic"

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
