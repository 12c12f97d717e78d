//go:build faults

package crash

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var passed atomic.Int64 //nolint:gochecknoglobals // the process dies of it: there is no state to leak

// At kills the process when this is the point and the time WALPOST_CRASH names.
func At(point string) {
	want, rest, _ := strings.Cut(os.Getenv("WALPOST_CRASH"), ":")
	times, how, _ := strings.Cut(rest, ":")
	if want != point {
		return
	}
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil || passed.Add(1) != n {
		return
	}
	if how == "panic" {
		panic("crash point " + point) //nolint:forbidigo // a panic is what is tried
	}
	_, _ = fmt.Fprintf(os.Stderr, "crash point %s\n", point)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal arrives: nothing more may happen
}
