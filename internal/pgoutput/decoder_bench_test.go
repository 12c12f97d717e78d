package pgoutput_test

import (
	"testing"

	"github.com/walpost/walpost/internal/pgoutput"
)

func BenchmarkDecode(b *testing.B) {
	names := []string{"relation", "begin", "insert", "update", "delete", "commit"}
	for i, msg := range sampleMessages()[:len(names)] {
		b.Run(names[i], func(b *testing.B) {
			d := pgoutput.NewDecoder()
			decode(b, d, sampleMessages()[0])
			b.ReportAllocs()
			b.SetBytes(int64(len(msg)))
			for b.Loop() {
				if _, err := d.Decode(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One row a transaction: what the decoder costs per event.
func BenchmarkDecodeTransaction(b *testing.B) {
	all := sampleMessages()
	d := pgoutput.NewDecoder()
	decode(b, d, all[0])
	transaction := [][]byte{all[1], all[2], all[5]}
	b.ReportAllocs()
	for b.Loop() {
		for _, msg := range transaction {
			if _, err := d.Decode(msg); err != nil {
				b.Fatal(err)
			}
		}
	}
}
