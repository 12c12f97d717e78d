package topicname_test

import (
	"path"
	"reflect"
	"slices"
	"testing"

	"github.com/walpost/walpost/internal/topicname"
)

func TestParse(t *testing.T) {
	t.Parallel()
	lit := func(s string) topicname.Part { return topicname.Part{Literal: s} }
	col := func(s string) topicname.Part { return topicname.Part{Column: s} }
	for text, want := range map[string]topicname.Template{
		"":                             nil,
		"orders":                       {lit("orders")},
		"{topic}":                      {col("topic")},
		"outbox.event.{aggregatetype}": {lit("outbox.event."), col("aggregatetype")},
		"{a}{b}.{a}-x":                 {col("a"), col("b"), lit("."), col("a"), lit("-x")},
		"{My Column}":                  {col("My Column")},
	} {
		got, err := topicname.Parse(text)
		if err != nil || !reflect.DeepEqual(got, want) || got.String() != text {
			t.Errorf("%s: got %#v %s, %v", text, got, got, err)
		}
	}
	for _, text := range []string{"{", "}", "a{b", "a}b", "{}", "{{a}}", "{a{b}}", "{a}}"} {
		if got, err := topicname.Parse(text); err == nil {
			t.Errorf("%s: got %#v", text, got)
		}
	}
}

func parse(t *testing.T, text string) topicname.Template {
	t.Helper()
	parsed, err := topicname.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestRenderTakesTheValuesInTheOrderOfTheColumns(t *testing.T) {
	t.Parallel()
	template := parse(t, "{b}.x.{a}-{b}")
	if got := template.Columns(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("columns %q", got)
	}
	if got := template.Render("1", "2"); got != "1.x.2-1" {
		t.Errorf("rendered %q", got)
	}
	if got := parse(t, "plain").Render(); got != "plain" {
		t.Errorf("rendered %q", got)
	}
}

func TestGlobCoversWhatIsRendered(t *testing.T) {
	t.Parallel()
	template := parse(t, "outbox.{a}.v1")
	if ok, err := path.Match(template.Glob(), template.Render("order")); !ok || err != nil {
		t.Errorf("%q does not cover %q: %v", template.Glob(), template.Render("order"), err)
	}
}

func TestValidPartsAreLiteralOrColumn(t *testing.T) {
	t.Parallel()
	for _, bad := range []topicname.Template{{{}}, {{Literal: "a", Column: "b"}}} {
		if bad.Valid() {
			t.Errorf("%+v is valid", bad)
		}
	}
	if !parse(t, "a{b}").Valid() || !topicname.Template(nil).IsZero() {
		t.Error("a parsed template is not valid, or none is not zero")
	}
}
