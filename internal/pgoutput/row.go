package pgoutput

import "encoding/binary"

// What stands before a tuple.
const (
	tupleNew = 'N' // the row as it is now
	tupleKey = 'K' // the replica identity as it was, other columns NULL
	tupleOld = 'O' // the whole row as it was: REPLICA IDENTITY FULL
)

func (d *Decoder) decodeInsert(c *cursor) (Message, error) {
	r := d.relation(c)
	if c.uint8("'N', a new tuple") != tupleNew {
		c.fail(5, "'N', a new tuple")
	}
	d.decodeTuple(c, r, false)
	if err := c.err(); err != nil {
		return nil, err
	}
	d.insert = Insert{Relation: r, Row: d.row}
	return &d.insert, nil
}

func (d *Decoder) decodeUpdate(c *cursor) (Message, error) {
	r := d.relation(c)
	at := c.off
	kind := c.uint8("'K', 'O' or 'N', an old or a new tuple")
	if kind == tupleKey || kind == tupleOld {
		d.decodeTuple(c, r, true)
		at = c.off
		kind = c.uint8("'N', a new tuple")
	}
	if kind != tupleNew {
		c.fail(at, "'N', a new tuple")
	}
	d.decodeTuple(c, r, true)
	if err := c.err(); err != nil {
		return nil, err
	}
	d.update = Update{Relation: r}
	return &d.update, nil
}

func (d *Decoder) decodeDelete(c *cursor) (Message, error) {
	r := d.relation(c)
	if kind := c.uint8("'K' or 'O', an old tuple"); kind != tupleKey && kind != tupleOld {
		c.fail(5, "'K' or 'O', an old tuple")
	}
	d.decodeTuple(c, r, true)
	if err := c.err(); err != nil {
		return nil, err
	}
	d.remove = Delete{Relation: r}
	return &d.remove, nil
}

// decodeTuple reads a tuple of r into d.row. It walks the bytes itself: this is
// where the time goes.
func (d *Decoder) decodeTuple(c *cursor, r *Relation, unchanged bool) {
	at := c.off
	n := int(c.uint16("2 bytes of column count"))
	if c.want != "" {
		return
	}
	if n != len(r.Columns) {
		c.fail(at, "as many columns as the table's Relation message has")
		return
	}
	if cap(d.row) < n {
		d.row = make(Tuple, n)
	}
	d.row = d.row[:n]
	b, off := c.b, c.off
	for i := range d.row {
		if off >= len(b) {
			c.fail(off, "a column")
			return
		}
		kind := Kind(b[off])
		off++
		switch kind {
		case Text, Binary:
			if len(b)-off < 4 {
				c.fail(off, "4 bytes of length")
				return
			}
			size := int(int32(binary.BigEndian.Uint32(b[off:])))
			off += 4
			if size < 0 || size > len(b)-off {
				c.fail(off-4, "a length with so many bytes behind it")
				return
			}
			d.row[i] = Value{Kind: kind, Data: b[off : off+size : off+size]}
			off += size
		case Null:
			d.row[i] = Value{Kind: Null}
		default:
			if kind != Unchanged || !unchanged {
				c.fail(off-1, wantKind(unchanged))
				return
			}
			d.row[i] = Value{Kind: Unchanged}
		}
	}
	c.off = off
}

func wantKind(unchanged bool) string {
	if unchanged {
		return "'n', 'u', 't' or 'b', how a column is sent"
	}
	return "'n', 't' or 'b', how a column of a new row is sent"
}

func (d *Decoder) decodeTruncate(c *cursor) (Message, error) {
	n := int(c.uint32("4 bytes of table count"))
	c.uint8("1 byte of options") // CASCADE and RESTART IDENTITY: nothing to a relay
	if c.want == "" && n != c.left()/4 {
		c.fail(1, "a table count with so many OIDs behind it")
	}
	ids := d.truncate.RelationIDs[:0]
	for c.left() >= 4 {
		ids = append(ids, c.uint32("4 bytes of table OID"))
	}
	d.truncate.RelationIDs = ids
	if err := c.err(); err != nil {
		return nil, err
	}
	return &d.truncate, nil
}
