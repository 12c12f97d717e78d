package recover

import "github.com/walpost/walpost/internal/republish"

// Stage is a point of a recovery that it has reached. Killed at any of them, the
// slot is as it was, or gone between Dropped and Copied: a relay halts, and the
// next recovery starts anew.
type Stage int

// The stages, in order. Killed from Copied on, the next recovery only does what is left.
const (
	Begun      Stage = iota // Kafka answers, and there is a publication
	Created                 // the new slot is there, under its temporary name
	Publishing              // a chunk of rows was read
	Published               // Kafka has acknowledged everything
	Dropped                 // the old slot is gone
	Copied                  // the new slot has its name
	Positioned              // and the position in Kafka is the one of the new slot
	Finished                // and the temporary name is gone
)

// Result is what a recovery has done.
type Result struct {
	republish.Result

	StreamsFrom string // what committed after this LSN is streamed
}
