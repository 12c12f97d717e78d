package killed_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"
)

// effect is one row that a handler has committed.
type effect struct {
	topic     string
	partition int32
	offset    int64
	key       []byte
	kind      string
	content   string
}

func (s *scene) effects(t *testing.T) (all []effect) {
	t.Helper()
	rows, err := s.Conn.Query(t.Context(), "SELECT topic, part, pos, key, type, content FROM effect ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e effect
		if err := rows.Scan(&e.topic, &e.partition, &e.offset, &e.key, &e.kind, &e.content); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// judge compares what was written with what became of it. With handled, dead letters have been put back or discarded.
func (s *scene) judge(t *testing.T, handled bool) {
	t.Helper()
	effects := s.effects(t)
	s.judgeEffects(t, effects, handled)
	judgeOrder(t, effects)
	s.judgeDeadLetters(t)
	var parked int
	if err := s.Conn.QueryRow(t.Context(), "SELECT count(*) FROM inbox_parked").Scan(&parked); err != nil || parked > 0 {
		t.Errorf("%d records are parked, %v", parked, err)
	}
	t.Logf("%d lives, %d records written, %d effects", s.lives, len(s.writer.written), len(effects))
	if t.Failed() {
		t.FailNow()
	}
}

func (s *scene) judgeEffects(t *testing.T, effects []effect, handled bool) {
	t.Helper()
	counts, judged := map[string]int{}, map[string]bool{}
	for _, e := range effects {
		counts[e.content]++
	}
	for _, w := range s.writer.written {
		content := w.content(strings.TrimSuffix(w.Topic, ".DLT"))
		want := 0
		if w.fate == once || handled && w.fate == redriven {
			want = 1
		}
		if n := counts[content]; n != want && !judged[content] {
			t.Errorf("%s has %d effects, want %d", name(w.ProducerMessage), n, want)
		}
		judged[content] = true // written twice, it has one effect all the same
	}
	for _, e := range effects {
		if !judged[e.content] {
			t.Errorf("an effect of nothing that was written: %s/%d offset %d, %s, key %q", e.topic, e.partition, e.offset, e.kind, e.key)
		}
	}
}

// judgeOrder looks at events that fail for a while at the most: the others come when they are put back.
func judgeOrder(t *testing.T, effects []effect) {
	t.Helper()
	last := map[string]effect{}
	for _, e := range effects {
		if e.key == nil || e.kind != good && e.kind != heals {
			continue
		}
		place := fmt.Sprint(e.topic, e.partition, string(e.key))
		if before, ok := last[place]; ok && e.offset < before.offset {
			t.Errorf("%s/%d key %q: %s at offset %d came behind %s at %d", e.topic, e.partition, e.key, e.kind, e.offset, before.kind,
				before.offset)
		}
		last[place] = e
	}
}

// judgeDeadLetters looks at all that is in the dead letter topics.
func (s *scene) judgeDeadLetters(t *testing.T) {
	t.Helper()
	sources, ours := map[string]written{}, map[string]bool{}
	for _, w := range s.writer.written {
		if isLetterTopic(w.Topic) {
			ours[w.place()] = true
		} else {
			sources[w.place()] = w
		}
	}
	seen := map[string]bool{}
	for _, topic := range s.child.Topics {
		records, err := s.kafka.Records(t.Context(), topic+".DLT")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			h := headersOf(r)
			isMark := h["walpost-dlt-handled"] != "" && h["walpost-dlt-topic"] == "" && r.Key == nil && r.Value == nil
			if isMark || ours[fmt.Sprint(r.Topic, "/", r.Partition, "/", r.Offset)] {
				continue
			}
			place := h["walpost-dlt-topic"] + "/" + h["walpost-dlt-partition"] + "/" + h["walpost-dlt-offset"]
			seen[place] = true
			if w, ok := sources[place]; !ok || w.fate != redriven && w.fate != dead {
				t.Errorf("dead letter of %s, which should be none: %v", place, h)
			} else if wrong := compare(w, r, h); wrong != "" {
				t.Errorf("dead letter of %s: %s: %v", name(w.ProducerMessage), wrong, h)
			}
		}
	}
	for place, w := range sources {
		if (w.fate == redriven || w.fate == dead) && !seen[place] {
			t.Errorf("%s is no dead letter", name(w.ProducerMessage))
		}
	}
}

// headersOf are the last of each name.
func headersOf(r *sarama.ConsumerMessage) map[string]string {
	all := map[string]string{}
	for _, h := range r.Headers {
		all[string(h.Key)] = string(h.Value)
	}
	return all
}

// compare says how a dead letter differs from its record, but for what is too large.
func compare(w written, r *sarama.ConsumerMessage, h map[string]string) string {
	if h["walpost-dlt-incomplete"] != "" {
		if len(bytesOf(w.Value)) < sourceLimit/2 {
			return "it is incomplete, and small"
		}
		return ""
	}
	if key, value := bytesOf(w.Key), bytesOf(w.Value); !bytes.Equal(key, r.Key) || !bytes.Equal(value, r.Value) ||
		(key == nil) != (r.Key == nil) || (value == nil) != (r.Value == nil) {
		return "it has another key or value"
	}
	if w.claims != "" {
		return "" // what it claims is not repeated
	}
	if len(r.Headers) < len(w.Headers) {
		return "it has fewer headers"
	}
	for i, was := range w.Headers {
		is := r.Headers[i]
		if own := strings.TrimPrefix(string(is.Key), "walpost-own-"); own != string(was.Key) && string(is.Key) != string(was.Key) ||
			!bytes.Equal(is.Value, was.Value) {
			return fmt.Sprintf("header %q is %q", was.Key, is.Key)
		}
	}
	return ""
}

// name says which record it is.
func name(m *sarama.ProducerMessage) string {
	text := fmt.Sprintf("%s/%d offset %d key %.20q (%d bytes)", m.Topic, m.Partition, m.Offset, bytesOf(m.Key), len(bytesOf(m.Value)))
	for _, h := range m.Headers {
		text += fmt.Sprintf(" %s=%.20q", h.Key, h.Value)
	}
	return text
}
