package cli

import (
	"slices"

	"go.uber.org/zap/zapcore"

	"github.com/walpost/walpost/internal/told"
)

// bounded is a core that writes no more of a text than a line of a log may have:
// the words of servers and the names of rows stand in it. A message is one line.
type bounded struct{ zapcore.Core }

// With is part of zapcore.Core.
func (b bounded) With(fields []zapcore.Field) zapcore.Core {
	return bounded{b.Core.With(cutFields(fields))}
}

// Check is part of zapcore.Core.
func (b bounded) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if b.Enabled(e.Level) {
		return checked.AddCore(e, b)
	}
	return checked
}

// Write is part of zapcore.Core.
func (b bounded) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = told.Escape(told.Words(e.Message))
	return b.Core.Write(e, cutFields(fields))
}

// cutFields cuts the fields that are texts.
func cutFields(fields []zapcore.Field) []zapcore.Field {
	fields = slices.Clone(fields)
	for i := range fields {
		f := &fields[i]
		if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType && err != nil {
			*f = zapcore.Field{Key: f.Key, Type: zapcore.StringType, String: err.Error()}
		}
		if f.Type == zapcore.StringType {
			f.String = told.Words(f.String)
		}
	}
	return fields
}
