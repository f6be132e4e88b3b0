package initdb

import _ "embed"

//go:embed views.sql
var viewsSQL string // constant

// ViewsSQL is the script that makes the system views. It is run in template1 of
// a cluster that Create made, by a superuser, with search_path = pg_catalog and
// allow_system_table_mods = on; then CopyTemplate takes them to the others.
func ViewsSQL() string { return viewsSQL }

// privateViews are those that not everyone may read; all others get SELECT for
// PUBLIC. constant
var privateViews = []string{"pg_shadow", "pg_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_config"}

// PrivateViews lists the system views that only superusers may read.
func PrivateViews() []string { return privateViews }
