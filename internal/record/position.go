package record

import "encoding/hex"

// positionLength is the length of a position as text.
const positionLength = 16 + 1 + 8

// String returns the form of the position header: 16 hexadecimal digits of the commit
// LSN, a slash, 8 of the ordinal. Compared as text such positions have the order of the
// stream.
func (p Position) String() string {
	return string(p.Append(make([]byte, 0, positionLength)))
}

// Append appends the position's text to dst.
func (p Position) Append(dst []byte) []byte {
	dst = hex.AppendEncode(dst, []byte{
		byte(p.CommitLSN >> 56), byte(p.CommitLSN >> 48), byte(p.CommitLSN >> 40), byte(p.CommitLSN >> 32),
		byte(p.CommitLSN >> 24), byte(p.CommitLSN >> 16), byte(p.CommitLSN >> 8), byte(p.CommitLSN),
	})
	dst = append(dst, '/')
	return hex.AppendEncode(dst, []byte{
		byte(p.Ordinal >> 24), byte(p.Ordinal >> 16), byte(p.Ordinal >> 8), byte(p.Ordinal),
	})
}

// Before reports whether p comes before q: by commit LSN, then by the ordinal in the
// transaction.
func (p Position) Before(q Position) bool {
	if p.CommitLSN != q.CommitLSN {
		return p.CommitLSN < q.CommitLSN
	}
	return p.Ordinal < q.Ordinal
}
