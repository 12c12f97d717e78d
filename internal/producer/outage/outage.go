// Package outage says whether Kafka answers, since when, and logs when that changes.
//
// It must not know what is asked.
package outage

import (
	"time"

	"go.uber.org/zap"

	"github.com/walpost/walpost/internal/lograte"
)

// Watch follows whether Kafka answers. It is not safe for concurrent use.
type Watch struct {
	Reachable bool
	Since     time.Time // of Reachable
	Err       error     // why it is not reachable
	Heard     time.Time // of the last answer

	log     *zap.Logger
	changed func()
	present lograte.Line // of the present outage
}

// New returns a Watch that has heard nothing yet. changed is called when Kafka becomes
// reachable or unreachable.
func New(log *zap.Logger, changed func()) Watch {
	return Watch{log: log, changed: changed, Since: time.Now()}
}

// Reached notes an answer.
func (w *Watch) Reached() {
	w.Heard = time.Now()
	if w.Reachable {
		return
	}
	if w.Err != nil {
		w.log.Info("Kafka is reachable again", zap.Duration("after", time.Since(w.Since)))
	}
	w.Reachable, w.Since, w.Err = true, time.Now(), nil
	w.changed()
}

// Failed notes that no broker answers.
func (w *Watch) Failed(err error) {
	if w.Reachable || w.Err == nil {
		w.Reachable, w.Since, w.present = false, time.Now(), lograte.Line{}
	}
	w.Err = err
	w.changed()
	if w.present.Allow() {
		w.log.Warn("Kafka is not reachable, records wait", zap.Error(err), zap.Duration("for", time.Since(w.Since)))
	}
}
