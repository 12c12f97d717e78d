package inbox

import (
	"context"
	"log/slog"
)

// SASL is how a client authenticates at Kafka.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. PLAIN and OAUTHBEARER
	// send the secret as it is: use them with TLS.
	Mechanism string
	// User and Password are for PLAIN and SCRAM.
	User     string
	Password string
	// Token returns the token for OAUTHBEARER. It is called at each authentication, from
	// several goroutines at a time, and should return a token that it holds until that
	// expires. Its context ends after 30 s.
	Token func(context.Context) (string, error)
}

// String returns mechanism and user, not the password.
func (s SASL) String() string { return s.Mechanism + " " + s.User }

// GoString returns the same, so that no format prints the password.
func (s SASL) GoString() string { return s.String() }

// LogValue returns the same, so that no log has the password.
func (s SASL) LogValue() slog.Value { return slog.StringValue(s.String()) }
