package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// MajorVersion reads the version the server announced when it was connected to.
func MajorVersion(conn *pgconn.PgConn) (int, error) {
	version := conn.ParameterStatus("server_version")
	digits, _, _ := strings.Cut(version, ".")
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 { // 18beta1
		digits = digits[:end]
	}
	major, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("server announced version %q, which has no number", version)
	}
	return major, nil
}
