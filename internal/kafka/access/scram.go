package access

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// A broker chooses how often the password is hashed. Nobody can stop a hash that has
// begun, so a broker that asks for 2,147,483,647 would keep a core busy for half an hour at
// each connection, before it has proved anything. Kafka itself stores 4,096 to 16,384; other
// brokers go higher. A million takes about a second. Fewer than 4,096 (RFC 7677) would help
// who listens to guess the password.
const (
	minIterations = 4096
	maxIterations = 1_000_000
)

// ErrIterations marks a broker that asks for more than maxIterations.
var ErrIterations = errors.New("SCRAM iterations")

// errScram is a message of the broker that is not one of the exchange, or is not true.
var errScram = errors.New("SCRAM")

// Scram is the client's side of one SCRAM exchange (RFC 5802, RFC 7677), without channel
// binding. User and password are not prepared (SASLprep): Kafka's brokers and Java client
// do not prepare them either.
type Scram struct {
	hash     func() hash.Hash
	password func() (string, error)
	nonce    string

	secret    string
	header    string // says that there is no channel binding, and the authorization id
	bare      string // the client's first message, without header
	signature []byte // which the server has to show
	step      int
}

// scramDone is the step after which nothing is left to say.
const scramDone = 3

// NewScram returns an exchange by SCRAM-SHA-256 or SCRAM-SHA-512, which reads the password
// when it begins.
func NewScram(mechanism string, password func() (string, error)) *Scram {
	if mechanism == ScramSHA512 {
		return &Scram{hash: sha512.New, password: password}
	}
	return &Scram{hash: sha256.New, password: password}
}

// Begin begins the exchange. It reads the password from its source, not from sarama.
func (s *Scram) Begin(user, _, authzID string) (err error) {
	escape := strings.NewReplacer("=", "=3D", ",", "=2C").Replace
	if s.secret, err = s.password(); err != nil {
		return err
	}
	if s.nonce == "" {
		s.nonce = rand.Text()
	}
	s.header = "n,,"
	if authzID != "" {
		s.header = "n,a=" + escape(authzID) + ","
	}
	s.bare = "n=" + escape(user) + ",r=" + s.nonce
	return nil
}

// Step answers a challenge; "" asks for the first message.
func (s *Scram) Step(challenge string) (string, error) {
	s.step++
	switch s.step {
	case 1:
		return s.header + s.bare, nil
	case 2:
		return s.prove(challenge)
	case scramDone:
		return "", s.verify(challenge)
	default:
		return "", fmt.Errorf("%w: the exchange is over", errScram)
	}
}

// Done reports whether the exchange is over.
func (s *Scram) Done() bool { return s.step >= scramDone }

// prove answers the broker's first message with the client's proof.
func (s *Scram) prove(challenge string) (string, error) {
	nonce, salt, iterations, err := s.parse(challenge)
	if err != nil {
		return "", err
	}
	salted, err := pbkdf2.Key(s.hash, s.secret, salt, iterations, s.hash().Size())
	if err != nil {
		return "", fmt.Errorf("%w: %w", errScram, err)
	}
	final := "c=" + base64.StdEncoding.EncodeToString([]byte(s.header)) + ",r=" + nonce
	exchange := s.bare + "," + challenge + "," + final
	clientKey := s.mac(salted, "Client Key")
	stored := s.hash()
	stored.Write(clientKey)
	proof := s.mac(stored.Sum(nil), exchange)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	s.signature = s.mac(s.mac(salted, "Server Key"), exchange)
	return final + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

// parse takes the broker's first message apart: r=nonce,s=salt,i=iterations.
func (s *Scram) parse(challenge string) (nonce string, salt []byte, iterations int, err error) {
	fields := strings.Split(challenge, ",")
	if len(fields) < 3 {
		return "", nil, 0, fmt.Errorf("%w: the broker's first message has %d fields, want r, s and i", errScram, len(fields))
	}
	nonce, okNonce := strings.CutPrefix(fields[0], "r=")
	encoded, okSalt := strings.CutPrefix(fields[1], "s=")
	count, okCount := strings.CutPrefix(fields[2], "i=")
	if !okNonce || !okSalt || !okCount {
		return "", nil, 0, fmt.Errorf("%w: the broker's first message has no r, s and i", errScram)
	}
	if len(nonce) <= len(s.nonce) || !strings.HasPrefix(nonce, s.nonce) {
		return "", nil, 0, fmt.Errorf("%w: the broker's nonce does not begin with the client's", errScram)
	}
	if salt, err = base64.StdEncoding.DecodeString(encoded); err != nil || len(salt) == 0 {
		return "", nil, 0, fmt.Errorf("%w: the broker's salt cannot be decoded", errScram)
	}
	iterations, err = strconv.Atoi(count)
	switch {
	case err != nil || iterations < minIterations:
		return "", nil, 0, fmt.Errorf("%w: the broker asks for %.20q iterations, want at least %d", errScram, count, minIterations)
	case iterations > maxIterations:
		return "", nil, 0, fmt.Errorf("the broker asks for %d %w, at most %d are done", iterations, ErrIterations, maxIterations)
	}
	return nonce, salt, iterations, nil
}

// verify checks that the broker knows the password too: v=signature, or e=error.
func (s *Scram) verify(challenge string) error {
	first, _, _ := strings.Cut(challenge, ",")
	if reason, ok := strings.CutPrefix(first, "e="); ok {
		return fmt.Errorf("%w: the broker refuses: %.100q", errScram, reason)
	}
	encoded, ok := strings.CutPrefix(first, "v=")
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || !hmac.Equal(signature, s.signature) {
		return fmt.Errorf("%w: the broker does not prove that it knows the password", errScram)
	}
	return nil
}

func (s *Scram) mac(key []byte, text string) []byte {
	mac := hmac.New(s.hash, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
