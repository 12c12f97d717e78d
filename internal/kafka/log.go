package kafka

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/internal/lograte"
)

// LogTo sends sarama's own lines to core, with secrets removed: the values of those
// whose connections are given, and whatever looks like one. What failed is Info,
// the rest is Debug; each kind of line comes at most once in lograte.Interval.
//
// sarama has one logger for the process, so the last call counts; before the first
// one nothing is logged. Nothing of it is a warning: what matters to an operator is
// logged by who dials, in words (Explain).
func LogTo(core zapcore.Core, connections ...Options) {
	processLog.Store(&saramaLog{
		log: zap.New(core).Named("sarama"), connections: connections, likely: likelySecret(), kinds: lograte.Lines{Max: maxKinds},
	})
}

// processLog is where sarama's lines go now. sarama.Logger is a plain variable that
// its goroutines read whenever they like, also those of a connection that was closed
// before: so it is set once, before any of them can run, and LogTo changes what lies
// behind it.
var processLog atomic.Pointer[saramaLog] //nolint:gochecknoglobals // as is sarama.Logger

func init() { //nolint:gochecknoinits // sarama's goroutines read it whenever they like, see processLog
	sarama.Logger = relayedLog{}
}

// relayedLog hands each line to processLog.
type relayedLog struct{}

func (relayedLog) Print(v ...any) {
	if l := processLog.Load(); l != nil {
		l.Print(v...)
	}
}

func (relayedLog) Println(v ...any) {
	if l := processLog.Load(); l != nil {
		l.Println(v...)
	}
}

func (relayedLog) Printf(format string, v ...any) {
	if l := processLog.Load(); l != nil {
		l.Printf(format, v...)
	}
}

// maxKinds bounds what sarama makes of lines itself: a kind is a format of its code.
const maxKinds = 1000

type saramaLog struct {
	log         *zap.Logger
	connections []Options
	likely      *regexp.Regexp

	mu    sync.Mutex
	kinds lograte.Lines // by format
}

var _ sarama.StdLogger = (*saramaLog)(nil)

// Print logs as fmt.Sprint does.
func (l *saramaLog) Print(v ...any) { l.Println(v...) }

// Println logs as fmt.Sprintln does.
func (l *saramaLog) Println(v ...any) {
	first := ""
	if len(v) > 0 {
		first = fmt.Sprint(v[0])
	}
	l.write(first, func() string { return fmt.Sprintln(v...) })
}

// Printf logs as fmt.Sprintf does.
func (l *saramaLog) Printf(format string, v ...any) {
	l.write(format, func() string { return fmt.Sprintf(format, v...) })
}

func (l *saramaLog) write(format string, text func() string) {
	entry := l.log.Check(levelOf(format), "")
	if entry == nil {
		return
	}
	l.mu.Lock()
	suppressed, allowed := l.kinds.Count(format)
	l.mu.Unlock()
	if !allowed {
		return
	}
	line := text()
	for _, o := range l.connections {
		line = redact(line, o.secrets())
	}
	entry.Message = strings.TrimSpace(l.likely.ReplaceAllString(line, "${1}***"))
	if suppressed > 0 {
		entry.Write(zap.Int("like_it_not_logged", suppressed))
		return
	}
	entry.Write()
}

// levelOf returns the level of a line, by the words of its format: sarama gives no level.
func levelOf(format string) zapcore.Level {
	lower := strings.ToLower(format)
	for _, word := range []string{"fail", "error", "unable", "abandon", "panic", "timeout"} {
		if strings.Contains(lower, word) {
			return zapcore.InfoLevel
		}
	}
	return zapcore.DebugLevel
}

// likelySecret finds what has the form of a secret: a password or token with its
// name before it, a bearer token.
func likelySecret() *regexp.Regexp {
	return regexp.MustCompile(`(?i)((?:password|token|secret|auth)["']?\s*[=:]\s*["']?(?:bearer\s+)?|bearer\s+)[^\s,;&"'}]+`)
}
