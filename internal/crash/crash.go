// Package crash has the points of a row's way at which tests kill the process. In a
// normal build they are nothing: the calls are compiled away. With the build tag
// faults a process started with WALPOST_CRASH=POINT:N kills itself, as kill -9 would,
// at the Nth time it comes to the point; with POINT:N:panic it panics there instead.
package crash

// The points, in the order of the way.
const (
	PublicationCreated = "publication_created" // `run` has made the publication and not the slot
	SlotCreated        = "slot_created"        // the slot is there, the stream not yet
	Read               = "read"                // an event has its number and lies in its queue
	BeforeProduce      = "before_produce"      // a request is complete and not sent
	Acknowledged       = "acknowledged"        // Kafka answered, Postgres is not told
	Confirmed          = "confirmed"           // the status update is sent

	BeforeAdd    = "before_add"    // its partitions are not added yet
	Added        = "added"         // its partitions are added, nothing is sent
	BeforeCommit = "before_commit" // all of it is acknowledged, EndTxn is not sent
	Committed    = "committed"     // EndTxn is answered, Postgres is not told
	Fenced       = "fenced"        // InitProducerId is answered, the position is not read
)
