package catalog

import "strings"

// Updaters are the roles besides the owner that may UPDATE the table, as SQL writes
// them. An item of pg_class.relacl reads grantee=privileges/grantor, with w for UPDATE
// and no grantee for PUBLIC (PostgreSQL documentation, "Privileges").
func (t *Table) Updaters() (roles []string) {
	for _, item := range t.grants {
		equals := strings.LastIndexByte(item, '=')
		privileges, grantor, found := strings.Cut(item[equals+1:], "/")
		if equals < 0 || !found {
			continue
		}
		grantee := item[:equals]
		if grantee == grantor || !strings.ContainsRune(privileges, 'w') {
			continue
		}
		if grantee == "" {
			grantee = "PUBLIC"
		}
		roles = append(roles, grantee)
	}
	return roles
}
