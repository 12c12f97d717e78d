// Package statements has the SQL of a consumer. It knows the tables by their names, and no
// driver.
package statements

import (
	"strconv"
	"time"
)

// Statements are those of a consumer.
type Statements struct {
	One, Many string
	Parks     bool // with a retry topic: the others are set
	// OneUnlessParked is One for a key that is not parked; Many is so too.
	OneUnlessParked, Park, ParkBehind, Unpark string
	// Idle is for how many milliseconds Postgres lets the transaction wait for us: a string,
	// as an argument.
	Idle any
}

// New returns those for tables, and for the time of an attempt. parked is "" without a retry
// topic. The set_config goes with the insert in one round trip; it is volatile, so the
// planner keeps it although nobody reads it.
func New(table, parked string, timeout time.Duration) Statements {
	const slack = 5 * time.Second // our own time-out comes first
	into := "INSERT INTO " + table + " (consumer_group, event_id, event_digest) "
	limit := "(SELECT set_config('idle_in_transaction_session_timeout', $3::text, true)) AS limited"
	const conflict = " ON CONFLICT (consumer_group, event_id, event_digest) DO NOTHING"
	// Rows of before the column event_digest know an event by its id alone.
	unlessOld := " WHERE NOT EXISTS (SELECT FROM " + table +
		" AS old WHERE old.consumer_group = $1::text AND old.event_digest = '' AND old.event_id = "
	one := into + "SELECT $1::text, $2::text, decode($4::text, 'hex') FROM " + limit + unlessOld + "$2::text)"
	many := into + "SELECT $1::text, new.id, new.digest FROM " + limit +
		", unnest($2::text::text[], $4::text::bytea[]) AS new (id, digest)" + unlessOld + "new.id)"
	s := Statements{One: one + conflict, Many: many + conflict, Idle: strconv.FormatInt((timeout + slack).Milliseconds(), 10)}
	if parked == "" {
		return s
	}
	s.Parks = true
	unless := " AND NOT EXISTS (SELECT FROM " + parked + " WHERE consumer_group = $1::text AND topic = $5::text AND key_hash = "
	s.OneUnlessParked = one + unless + "decode($6::text, 'hex'))" + conflict
	s.Many = many + unless + "ANY ($6::text::bytea[]))" + conflict
	const key = " WHERE consumer_group = $1::text AND topic = $2::text AND key_hash = decode($3::text, 'hex')"
	park := "INSERT INTO " + parked +
		" (consumer_group, topic, key_hash, event_id) SELECT $1::text, $2::text, decode($3::text, 'hex'), $4::text"
	const again = " ON CONFLICT (consumer_group, topic, key_hash, event_id) DO UPDATE SET parked_at = now()"
	s.Park = park + again
	s.ParkBehind = park + " WHERE EXISTS (SELECT FROM " + parked + key + ")" + again
	s.Unpark = "DELETE FROM " + parked + key + " AND event_id IN ($4::text, $5::text)"
	return s
}
