// Package propagation has what docs/outbox.md calls of go.opentelemetry.io/otel/propagation.
package propagation

import "context"

type TextMapCarrier interface {
	Get(key string) string
	Set(key, value string)
	Keys() []string
}

type MapCarrier map[string]string

func (c MapCarrier) Get(key string) string { return c[key] }
func (c MapCarrier) Set(key, value string) { c[key] = value }
func (c MapCarrier) Keys() []string        { return nil }

type TraceContext struct{}

func (TraceContext) Inject(context.Context, TextMapCarrier) {}
