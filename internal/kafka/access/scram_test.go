package access_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"github.com/walpost/walpost/internal/kafka/access"
)

// The examples of RFC 5802 (section 5) and RFC 7677 (section 3).
func TestScramOfTheRFCs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hash         func() hash.Hash
		nonce, first string
		proof, last  string
	}{
		"5802": {
			sha1.New, "fyko+d2lbbFgONRv9qkxdawL", "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		},
		"7677": {
			sha256.New, "rOprNGfwEbeRWgbNEkqO", "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := access.ScramOf(c.hash, c.nonce, "pencil")
			if err := s.Begin("user", "", ""); err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct{ challenge, answer string }{
				{"", "n,,n=user,r=" + c.nonce}, {c.first, c.proof}, {c.last, ""},
			} {
				if s.Done() {
					t.Errorf("done before %q", step.challenge)
				}
				if answer, err := s.Step(step.challenge); err != nil || answer != step.answer {
					t.Errorf("%q: %q, %v, want %q", step.challenge, answer, err, step.answer)
				}
			}
			if !s.Done() {
				t.Error("not done")
			}
			if _, err := s.Step(""); err == nil {
				t.Error("it goes on after the end")
			}
		})
	}
}

// Names and passwords of any characters, and an authorization id, against another
// implementation.
func TestScramWithAServer(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{access.ScramSHA256, access.ScramSHA512} {
		for _, c := range []struct{ user, password, authz string }{
			{"user", "pencil", ""}, {"a=b,c", "p=w,d", "x,y="}, {"ü ser", "パスワード \x01", ""},
		} {
			generate := scram.SHA256
			if mechanism == access.ScramSHA512 {
				generate = scram.SHA512
			}
			client, err := generate.NewClientUnprepped(c.user, c.password, c.authz)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt of the user", Iters: 4096})
			if err != nil {
				t.Fatal(err)
			}
			server, err := generate.NewServer(func(user string) (scram.StoredCredentials, error) {
				if user != c.user {
					t.Errorf("user %q, want %q", user, c.user)
				}
				return stored, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for password, good := range map[string]bool{c.password: true, c.password + "x": false} {
				there := server.NewConversation()
				here := access.NewScram(mechanism, func() (string, error) { return password, nil })
				if err := here.Begin(c.user, "", c.authz); err != nil {
					t.Fatal(err)
				}
				err := converse(here, there)
				if (err == nil) != good || there.Valid() != good {
					t.Errorf("%s %v, password %q: %v, valid %v", mechanism, c, password, err, there.Valid())
				}
			}
		}
	}
}

func converse(client *access.Scram, server *scram.ServerConversation) error {
	challenge := ""
	for !client.Done() {
		answer, err := client.Step(challenge)
		if err != nil {
			return err
		}
		if client.Done() {
			return nil
		}
		challenge, _ = server.Step(answer) // its error is for the server's log; the client is told by the challenge
	}
	return nil
}

// What a broker may not say.
func TestScramRefuses(t *testing.T) {
	t.Parallel()
	const nonce, good = "rOprNGfwEbeRWgbNEkqO", "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	for challenge, word := range map[string]string{
		"":                                   "fields",
		strings.Replace(good, nonce, "x", 1): "nonce",
		"r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096": "nonce", // the broker's part is missing
		strings.Replace(good, "W22", "!", 1):                "salt",
		strings.Replace(good, "4096", "4095", 1):            "4096",
		strings.Replace(good, "4096", "many", 1):            "4096",
		strings.Replace(good, "4096", "1000001", 1):         "at most 1000000",
		"m=x," + good: "no r, s and i", // an extension that must be understood
	} {
		s := access.ScramOf(sha256.New, nonce, "pencil")
		_ = s.Begin("user", "", "")
		_, _ = s.Step("")
		if _, err := s.Step(challenge); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want it to say %q", challenge, err, word)
		}
	}
	for _, last := range []string{"", "e=invalid-proof", "v=", "v=!", "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="} {
		s := access.ScramOf(sha256.New, nonce, "pencil")
		_ = s.Begin("user", "", "")
		_, _ = s.Step("")
		_, _ = s.Step(good)
		if _, err := s.Step(last); err == nil {
			t.Errorf("%q: no error", last)
		}
	}
}
