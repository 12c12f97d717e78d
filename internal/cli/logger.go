package cli

import (
	"io"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/internal/config"
)

// logs are the loggers of a process: one output in the format of the first file,
// and for each relay the level of its own file, which may change while it runs.
type logs struct {
	base   *zap.Logger // as verbose as the most verbose file
	always *zap.Logger // whatever the levels are
	names  []string    // of the relays
	levels []zap.AtomicLevel
}

// newLogs makes the loggers of a process with these files.
func newLogs(w io.Writer, cfgs []*config.Config) (*logs, error) {
	l := &logs{}
	for _, c := range cfgs {
		level, err := zap.ParseAtomicLevel(c.Log.Level)
		if err != nil {
			return nil, err
		}
		l.names, l.levels = append(l.names, c.Name), append(l.levels, level)
	}
	sink := zapcore.Lock(zapcore.AddSync(w))
	core := func(enabled zapcore.LevelEnabler) *zap.Logger {
		return zap.New(bounded{zapcore.NewCore(encoder(cfgs[0].Log.Format), sink, enabled)})
	}
	l.base, l.always = core(zap.LevelEnablerFunc(l.enabled)), core(zapcore.DebugLevel)
	return l, nil
}

// enabled tells whether any relay logs at a level.
func (l *logs) enabled(at zapcore.Level) bool {
	return slices.ContainsFunc(l.levels, func(own zap.AtomicLevel) bool { return own.Enabled(at) })
}

// relay is the logger of the relay of file i.
func (l *logs) relay(i int) *zap.Logger {
	return l.base.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return &leveled{core, l.levels[i]} }))
}

// process is the logger of what concerns the process.
func (l *logs) process() *zap.Logger { return l.relay(0) }

// reload takes log.level, and nothing else, from the files as they are now. A fault
// in one of them leaves every level as it is.
func (l *logs) reload(load func() ([]*config.Config, error)) {
	cfgs, err := load()
	var levels []zapcore.Level
	for _, c := range cfgs {
		level, faulty := zapcore.ParseLevel(c.Log.Level)
		if faulty != nil && err == nil {
			err = faulty
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

// leveled is a core with a level of its own that may change. zap's IncreaseLevel
// looks at the level once, when the logger is made.
type leveled struct {
	zapcore.Core
	level zap.AtomicLevel
}

// Enabled is part of zapcore.Core.
func (l *leveled) Enabled(at zapcore.Level) bool { return l.level.Enabled(at) }

// With is part of zapcore.Core.
func (l *leveled) With(fields []zapcore.Field) zapcore.Core {
	return &leveled{l.Core.With(fields), l.level}
}

// Check is part of zapcore.Core.
func (l *leveled) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !l.Enabled(e.Level) {
		return checked
	}
	return l.Core.Check(e, checked)
}

func encoder(format string) zapcore.Encoder {
	e := zap.NewProductionEncoderConfig()
	e.TimeKey, e.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	e.EncodeDuration = zapcore.StringDurationEncoder
	if format == "console" {
		e.EncodeTime, e.EncodeLevel = zapcore.ISO8601TimeEncoder, zapcore.CapitalLevelEncoder
		return zapcore.NewConsoleEncoder(e)
	}
	return zapcore.NewJSONEncoder(e)
}
