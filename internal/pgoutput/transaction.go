package pgoutput

import "time"

// epoch is 2000-01-01 00:00:00 UTC, from which Postgres counts, in Unix seconds.
const epoch = 946_684_800

// timestamp turns microseconds since 2000 into a time. Seconds and the rest go
// separately, so that no value overflows.
func timestamp(us int64) time.Time {
	return time.Unix(epoch+us/1e6, us%1e6*1e3).UTC()
}

func (d *Decoder) decodeBegin(c *cursor) (Message, error) {
	d.begin = Begin{
		CommitLSN:  LSN(c.uint64("8 bytes of commit LSN")),
		CommitTime: timestamp(int64(c.uint64("8 bytes of commit time"))),
		XID:        c.uint32("4 bytes of transaction id"),
	}
	if d.begin.CommitLSN == 0 {
		c.fail(1, "a commit LSN other than 0/0")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &d.begin, nil
}

func (d *Decoder) decodeCommit(c *cursor) (Message, error) {
	if c.uint8("1 byte of flags") != 0 {
		c.fail(1, "flags 0, the only ones the protocol defines")
	}
	d.commit = Commit{
		CommitLSN:  LSN(c.uint64("8 bytes of commit LSN")),
		EndLSN:     LSN(c.uint64("8 bytes of end LSN")),
		CommitTime: timestamp(int64(c.uint64("8 bytes of commit time"))),
	}
	// The end LSN will be confirmed: it must be what it is said to be.
	if d.commit.EndLSN <= d.commit.CommitLSN {
		c.fail(10, "an end LSN after the commit LSN")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &d.commit, nil
}

func (d *Decoder) decodeOrigin(c *cursor) (Message, error) {
	d.origin = Origin{
		CommitLSN: LSN(c.uint64("8 bytes of LSN")),
		Name:      c.cstring("a name that ends with a zero byte"),
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &d.origin, nil
}

func (d *Decoder) decodeLogicalMessage(c *cursor) (Message, error) {
	flags := c.uint8("1 byte of flags")
	if flags > 1 {
		c.fail(1, "flags 0 or 1, the only ones the protocol defines")
	}
	d.logical = LogicalMessage{
		Transactional: flags == 1,
		LSN:           LSN(c.uint64("8 bytes of LSN")),
		Prefix:        c.cstringOr(d.logical.Prefix, "a prefix that ends with a zero byte"),
	}
	n := c.uint32("4 bytes of length")
	d.logical.Content = c.take(int(int32(n)), "as many bytes of content as the length says")
	if err := c.err(); err != nil {
		return nil, err
	}
	return &d.logical, nil
}
