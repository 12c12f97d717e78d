package router

// SessionSettings are the settings of the session under which Postgres must
// print the rows: name and value, for SET or for the startup packet. The text of
// a column is made from the text under these, whatever role, database and server
// have set. Payloads of text, json and jsonb do not depend on any of them.
//
// TimeZone changes only what ranges of timestamptz show; the texts of timestamptz
// itself are read with any offset.
func SessionSettings() [][2]string {
	return [][2]string{
		{"client_encoding", "UTF8"},
		{"datestyle", "ISO, MDY"},
		{"intervalstyle", "postgres"},
		{"timezone", "UTC"},
		{"extra_float_digits", "3"},
		{"bytea_output", "hex"},
		{"lc_monetary", "C"},
	}
}
