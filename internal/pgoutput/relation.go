package pgoutput

const (
	// maxColumns is Postgres' own limit for a table, MaxHeapAttributeNumber.
	maxColumns = 1600
	// minColumn is the shortest a column can be: flags, an empty name, OID, modifier.
	minColumn = 1 + 1 + 4 + 4
	// keyColumn is the only flag of a column: part of the replica identity.
	keyColumn = 1
)

func (d *Decoder) decodeRelation(c *cursor) (Message, error) {
	r := &Relation{
		ID:              c.uint32("4 bytes of table OID"),
		Namespace:       c.cstring("a schema name that ends with a zero byte"),
		Name:            c.cstring("a table name that ends with a zero byte"),
		ReplicaIdentity: c.uint8("1 byte of replica identity"),
	}
	at := c.off
	n := int(c.uint16("2 bytes of column count"))
	if n > maxColumns || n > c.left()/minColumn {
		c.fail(at, "a column count of at most 1600, and so many columns behind it")
	}
	if c.want == "" {
		r.Columns = make([]Column, n)
	}
	for i := range r.Columns {
		r.Columns[i] = decodeColumn(c)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	d.relations[r.ID] = r
	d.recent = r
	return r, nil
}

func decodeColumn(c *cursor) Column {
	return Column{
		Key:     c.uint8("1 byte of column flags")&keyColumn != 0,
		Name:    c.cstring("a column name that ends with a zero byte"),
		TypeOID: c.uint32("4 bytes of type OID"),
		TypeMod: int32(c.uint32("4 bytes of type modifier")),
	}
}

func (d *Decoder) decodeType(c *cursor) (Message, error) {
	d.typ = Type{
		OID:       c.uint32("4 bytes of type OID"),
		Namespace: c.cstring("a schema name that ends with a zero byte"),
		Name:      c.cstring("a type name that ends with a zero byte"),
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &d.typ, nil
}

// relation reads the OID at the front of a row and finds what was announced
// under it; nil, with the failure in c, when nothing was.
func (d *Decoder) relation(c *cursor) *Relation {
	id := c.uint32("4 bytes of table OID")
	if d.recent != nil && d.recent.ID == id {
		return d.recent
	}
	r := d.relations[id]
	if r == nil {
		c.fail(1, "the OID of a table announced by a Relation message before")
		return nil
	}
	d.recent = r
	return r
}
