package kafka

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/IBM/sarama"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// LogTo sends sarama's own lines to core, at debug level, with secrets removed:
// the values of those whose connections are given, and whatever looks like one.
//
// sarama has one logger for the process, so this is called once, before the
// first connection is made. Lines about connections that matter to an operator
// are not among them: they are logged by who dials, in words (Explain).
func LogTo(core zapcore.Core, connections ...Options) {
	sarama.Logger = &saramaLog{log: zap.New(core).Named("sarama"), connections: connections, likely: likelySecret()}
}

type saramaLog struct {
	log         *zap.Logger
	connections []Options
	likely      *regexp.Regexp
}

var _ sarama.StdLogger = (*saramaLog)(nil)

// Print logs as fmt.Sprint does.
func (l *saramaLog) Print(v ...any) { l.write(func() string { return fmt.Sprint(v...) }) }

// Println logs as fmt.Sprintln does.
func (l *saramaLog) Println(v ...any) { l.write(func() string { return fmt.Sprintln(v...) }) }

// Printf logs as fmt.Sprintf does.
func (l *saramaLog) Printf(format string, v ...any) {
	l.write(func() string { return fmt.Sprintf(format, v...) })
}

func (l *saramaLog) write(text func() string) {
	entry := l.log.Check(zapcore.DebugLevel, "")
	if entry == nil {
		return
	}
	line := text()
	for _, o := range l.connections {
		line = redact(line, o.secrets())
	}
	entry.Message = strings.TrimSpace(l.likely.ReplaceAllString(line, "${1}***"))
	entry.Write()
}

// likelySecret finds what has the form of a secret: a password or token with its
// name before it, a bearer token.
func likelySecret() *regexp.Regexp {
	return regexp.MustCompile(`(?i)((?:password|token|secret|auth)["']?\s*[=:]\s*["']?(?:bearer\s+)?|bearer\s+)[^\s,;&"'}]+`)
}
