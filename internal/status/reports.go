package status

import (
	"bytes"
	"encoding/json"
)

// Reports is what `status --json` and /status show: one object for one relay, a
// list for several.
type Reports []Report

// MarshalJSON writes the object or the list.
func (r Reports) MarshalJSON() ([]byte, error) {
	if len(r) == 1 {
		return json.Marshal(r[0])
	}
	return json.Marshal([]Report(r))
}

// UnmarshalJSON reads either.
func (r *Reports) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return json.Unmarshal(text, (*[]Report)(r))
	}
	var one Report
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	*r = Reports{one}
	return nil
}
