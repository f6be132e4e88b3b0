package commands

import pg "github.com/pganalyze/pg_query_go/v6"

func (c *cmd) createTableAs(*pg.CreateTableAsStmt) string { notYet("CREATE TABLE AS"); return "" }
func (c *cmd) selectInto(*pg.SelectStmt) string           { notYet("SELECT INTO"); return "" }
func (c *cmd) explain(*pg.ExplainStmt)                    { notYet("EXPLAIN") }
func (c *cmd) comment(*pg.CommentStmt)                    { notYet("COMMENT") }
func (c *cmd) createView(*pg.ViewStmt)                    { notYet("CREATE VIEW") }
func (c *cmd) grant(*pg.GrantStmt)                        { notYet("GRANT") }
func (c *cmd) grantRole(*pg.GrantRoleStmt)                { notYet("GRANT ROLE") }
