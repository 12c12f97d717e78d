package daemon

import (
	"slices"

	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/internal/safetext"
)

// truncatingCore truncates the texts of an entry: they hold messages of servers and
// names of rows, which may be of any length. A message is one line.
type truncatingCore struct{ zapcore.Core }

// With is part of zapcore.Core.
func (c truncatingCore) With(fields []zapcore.Field) zapcore.Core {
	return truncatingCore{c.Core.With(truncateFields(fields))}
}

// Check is part of zapcore.Core.
func (c truncatingCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write is part of zapcore.Core.
func (c truncatingCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = safetext.Escape(safetext.TruncateText(e.Message))
	return c.Core.Write(e, truncateFields(fields))
}

// truncateFields returns the fields with their texts, errors too, truncated.
func truncateFields(fields []zapcore.Field) []zapcore.Field {
	fields = slices.Clone(fields)
	for i := range fields {
		f := &fields[i]
		if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType && err != nil {
			*f = zapcore.Field{Key: f.Key, Type: zapcore.StringType, String: err.Error()}
		}
		if f.Type == zapcore.StringType {
			f.String = safetext.TruncateText(f.String)
		}
	}
	return fields
}
