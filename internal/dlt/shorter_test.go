package dlt_test

import (
	"testing"

	"github.com/walpost/walpost/internal/dlt"
)

// Very many empty headers are too much as well.
func TestShorterLeavesOutEmptyHeaders(t *testing.T) {
	t.Parallel()
	short, ok := dlt.Shorter(dlt.Letter{Headers: make([]dlt.Header, 1_000_000)})
	if !ok {
		t.Fatal("there is no shorter form")
	}
	if len(short.Headers) > 1000 {
		t.Errorf("%d headers", len(short.Headers))
	}
}

// What is short already has no shorter form: who asks until there is none comes to an end.
func TestShorterOfAShortLetter(t *testing.T) {
	t.Parallel()
	letter := dlt.Letter{Key: []byte("k"), Headers: []dlt.Header{{Name: dlt.HeaderTopic, Value: []byte("orders")}}}
	if short, ok := dlt.Shorter(letter); ok {
		t.Errorf("shorter: %+v", short)
	}
}
