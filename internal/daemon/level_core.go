package daemon

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// levelCore is a core with a level of its own that may change. zap's IncreaseLevel
// does not serve: it reads the level once, when the logger is made.
type levelCore struct {
	zapcore.Core
	level zap.AtomicLevel
}

// Enabled reports whether a line of the level is logged. It implements
// zapcore.LevelEnabler.
func (c *levelCore) Enabled(at zapcore.Level) bool { return c.level.Enabled(at) }

// With is part of zapcore.Core.
func (c *levelCore) With(fields []zapcore.Field) zapcore.Core {
	return &levelCore{c.Core.With(fields), c.level}
}

// Check is part of zapcore.Core.
func (c *levelCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(e.Level) {
		return checked
	}
	return c.Core.Check(e, checked)
}
