package daemon

import (
	"fmt"
	"io"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/internal/config"
)

// WarningLogger returns a logger for a command that reports its own progress: it logs
// warnings and errors only. An error is a fault of log.level.
func WarningLogger(w io.Writer, cfg *config.Config) (*zap.Logger, error) {
	l, err := newLoggers(w, []*config.Config{cfg})
	if err != nil {
		return nil, err
	}
	return l.process().WithOptions(zap.IncreaseLevel(zap.WarnLevel)), nil
}

// loggers are the loggers of a process: one output in the format of the first file,
// and for each relay the level of its own file, which may change while it runs.
type loggers struct {
	base   *zap.Logger // as verbose as the most verbose file
	always *zap.Logger // whatever the levels are
	names  []string    // of the relays
	levels []zap.AtomicLevel
}

func newLoggers(w io.Writer, cfgs []*config.Config) (*loggers, error) {
	l := &loggers{}
	for _, c := range cfgs {
		level, err := zap.ParseAtomicLevel(c.Log.Level)
		if err != nil {
			return nil, fmt.Errorf("log.level: %w", err)
		}
		l.names, l.levels = append(l.names, c.Name), append(l.levels, level)
	}
	sink := zapcore.Lock(zapcore.AddSync(w))
	core := func(enabled zapcore.LevelEnabler) *zap.Logger {
		return zap.New(truncatingCore{zapcore.NewCore(newEncoder(cfgs[0].Log.Format), sink, enabled)})
	}
	l.base, l.always = core(zap.LevelEnablerFunc(l.enabled)), core(zapcore.DebugLevel)
	return l, nil
}

// enabled reports whether any relay logs at the level.
func (l *loggers) enabled(at zapcore.Level) bool {
	return slices.ContainsFunc(l.levels, func(own zap.AtomicLevel) bool { return own.Enabled(at) })
}

// relay returns the logger for the relay of file i.
func (l *loggers) relay(i int) *zap.Logger {
	return l.base.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return &levelCore{core, l.levels[i]} }))
}

// process returns the logger for what concerns the whole process.
func (l *loggers) process() *zap.Logger { return l.relay(0) }

// reload takes log.level, and nothing else, from the files as they are now. A fault
// in one of them leaves every level as it is.
func (l *loggers) reload(load func() ([]*config.Config, error)) {
	cfgs, err := load()
	var levels []zapcore.Level
	for _, c := range cfgs {
		level, parseErr := zapcore.ParseLevel(c.Log.Level)
		if parseErr != nil && err == nil {
			err = parseErr
		}
		levels = append(levels, level)
	}
	if err != nil {
		l.always.Error("SIGHUP: the configuration has faults, log.level stays as it is", zap.Error(err))
		return
	}
	for i, c := range cfgs {
		at := slices.Index(l.names, c.Name)
		if at < 0 {
			l.always.Warn("SIGHUP: this relay is not one of the process: it is started by the next start", zap.String("relay", c.Name))
			continue
		}
		before := l.levels[at].Level()
		l.levels[at].SetLevel(levels[i])
		l.always.Info("SIGHUP: log.level was read again; any other change takes effect at the next start",
			zap.String("relay", c.Name), zap.Stringer("log_level", levels[i]), zap.Stringer("before", before))
	}
}

func newEncoder(format string) zapcore.Encoder {
	e := zap.NewProductionEncoderConfig()
	e.TimeKey, e.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	e.EncodeDuration = zapcore.StringDurationEncoder
	if format == "console" {
		e.EncodeTime, e.EncodeLevel = zapcore.ISO8601TimeEncoder, zapcore.CapitalLevelEncoder
		return zapcore.NewConsoleEncoder(e)
	}
	return zapcore.NewJSONEncoder(e)
}
