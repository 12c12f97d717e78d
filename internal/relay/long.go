package relay

import "github.com/walpost/walpost/internal/pgoutput"

// Columns says what is of use of a row that is too long to be held: of the outbox
// what a record is made from, of other tables nothing.
func (p *pipeline) Columns(rel *pgoutput.Relation) []int {
	if p.prefix != "" || rel.ID != p.oid && (rel.Name != p.table || rel.Namespace != p.schema) {
		return nil
	}
	return p.router.Columns(rel)
}

// Content is how many bytes a logical message may have to become a record.
func (p *pipeline) Content(prefix string, transactional bool) int {
	if p.prefix == "" || prefix != p.prefix || !transactional {
		return 0
	}
	return p.router.Content()
}
