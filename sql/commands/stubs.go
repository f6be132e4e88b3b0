package commands

import pg "github.com/pganalyze/pg_query_go/v6"

func (c *cmd) explain(*pg.ExplainStmt) { notYet("EXPLAIN") }
