package access

import "hash"

// ScramOf returns an exchange with this hash and nonce, as the examples of the RFCs have it.
func ScramOf(hash func() hash.Hash, nonce, password string) *Scram {
	return &Scram{hash: hash, nonce: nonce, password: func() (string, error) { return password, nil }}
}
