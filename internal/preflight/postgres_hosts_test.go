package preflight_test

import (
	"testing"

	"github.com/walpost/walpost/internal/postgres/postgrestest"
	"github.com/walpost/walpost/internal/preflight"
)

// TestHostsInCheck: how the server is found among several is one line, which warns
// where that may go wrong.
func TestHostsInCheck(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]preflight.State{
		"": preflight.OK, "?target_session_attrs=primary": preflight.OK, "?target_session_attrs=any": preflight.Warning,
		"?target_session_attrs=read-write": preflight.Warning, "?target_session_attrs=prefer-standby": preflight.Warning,
	} {
		hosts, err := postgrestest.Target("postgres://u@a,b/d" + query).Hosts()
		if err != nil {
			t.Fatal(err)
		}
		if list := preflight.HostsRequirements(hosts); len(list) != 1 || list[0].State != want {
			t.Errorf("%s: %+v", query, list)
		}
	}
	hosts, err := postgrestest.Target("postgres://u@a/d?target_session_attrs=any").Hosts()
	if err != nil || len(preflight.HostsRequirements(hosts)) != 0 {
		t.Errorf("%+v, %v", hosts, err)
	}
}
