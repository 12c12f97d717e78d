package cli

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/internal/config"
)

// logs are the loggers of a process: one output in the format of the first file,
// and for each relay the level of its own file.
type logs struct {
	base   *zap.Logger // as verbose as the most verbose file
	levels []zapcore.Level
}

// newLogs makes the loggers of a process with these files.
func newLogs(w io.Writer, cfgs []*config.Config) (*logs, error) {
	l := &logs{}
	least := zapcore.FatalLevel
	for _, c := range cfgs {
		level, err := zapcore.ParseLevel(c.Log.Level)
		if err != nil {
			return nil, err
		}
		l.levels = append(l.levels, level)
		least = min(least, level)
	}
	l.base = zap.New(zapcore.NewCore(encoder(cfgs[0].Log.Format), zapcore.Lock(zapcore.AddSync(w)), least))
	return l, nil
}

// relay is the logger of the relay of file i.
func (l *logs) relay(i int) *zap.Logger { return l.base.WithOptions(zap.IncreaseLevel(l.levels[i])) }

// process is the logger of what concerns the process.
func (l *logs) process() *zap.Logger { return l.relay(0) }

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
