package commands

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pgmini/pgmini/sql/parser"
)

// Tag is the command tag of a utility statement, without counts (PostgreSQL:
// CreateCommandTag).
func Tag(stmt *parser.Node) string {
	switch n := stmt.Node.(type) {
	case *pg.Node_CreateStmt:
		return "CREATE TABLE"
	case *pg.Node_CreateTableAsStmt:
		if n.CreateTableAsStmt.Objtype == pg.ObjectType_OBJECT_MATVIEW {
			return "CREATE MATERIALIZED VIEW"
		}
		if n.CreateTableAsStmt.IsSelectInto {
			return "SELECT INTO"
		}
		return "CREATE TABLE AS"
	case *pg.Node_SelectStmt:
		return "SELECT INTO"
	case *pg.Node_IndexStmt:
		return "CREATE INDEX"
	case *pg.Node_AlterTableStmt:
		return "ALTER " + objectWord(n.AlterTableStmt.Objtype)
	case *pg.Node_DropStmt:
		return "DROP " + objectWord(n.DropStmt.RemoveType)
	case *pg.Node_TruncateStmt:
		return "TRUNCATE TABLE"
	case *pg.Node_CopyStmt:
		return "COPY"
	case *pg.Node_VacuumStmt:
		if n.VacuumStmt.IsVacuumcmd {
			return "VACUUM"
		}
		return "ANALYZE"
	case *pg.Node_ExplainStmt:
		return "EXPLAIN"
	case *pg.Node_ReindexStmt:
		return "REINDEX"
	case *pg.Node_LockStmt:
		return "LOCK TABLE"
	case *pg.Node_CheckPointStmt:
		return "CHECKPOINT"
	case *pg.Node_RenameStmt:
		t := n.RenameStmt.RenameType
		if t == pg.ObjectType_OBJECT_COLUMN || t == pg.ObjectType_OBJECT_TABCONSTRAINT {
			t = n.RenameStmt.RelationType
			if n.RenameStmt.RenameType == pg.ObjectType_OBJECT_TABCONSTRAINT {
				t = pg.ObjectType_OBJECT_TABLE
			}
		}
		return "ALTER " + objectWord(t)
	case *pg.Node_CommentStmt:
		return "COMMENT"
	case *pg.Node_AlterOwnerStmt:
		return "ALTER " + objectWord(n.AlterOwnerStmt.ObjectType)
	case *pg.Node_AlterObjectSchemaStmt:
		return "ALTER " + objectWord(n.AlterObjectSchemaStmt.ObjectType)
	}
	return objectTag(stmt)
}

func objectTag(stmt *parser.Node) string {
	switch n := stmt.Node.(type) {
	case *pg.Node_CreateSchemaStmt:
		return "CREATE SCHEMA"
	case *pg.Node_CreateSeqStmt:
		return "CREATE SEQUENCE"
	case *pg.Node_AlterSeqStmt:
		return "ALTER SEQUENCE"
	case *pg.Node_ViewStmt:
		return "CREATE VIEW"
	case *pg.Node_CreatedbStmt:
		return "CREATE DATABASE"
	case *pg.Node_DropdbStmt:
		return "DROP DATABASE"
	case *pg.Node_AlterDatabaseStmt, *pg.Node_AlterDatabaseSetStmt:
		return "ALTER DATABASE"
	case *pg.Node_CreateRoleStmt:
		return "CREATE ROLE"
	case *pg.Node_AlterRoleStmt, *pg.Node_AlterRoleSetStmt:
		return "ALTER ROLE"
	case *pg.Node_DropRoleStmt:
		return "DROP ROLE"
	case *pg.Node_GrantStmt:
		if n.GrantStmt.IsGrant {
			return "GRANT"
		}
		return "REVOKE"
	case *pg.Node_GrantRoleStmt:
		if n.GrantRoleStmt.IsGrant {
			return "GRANT ROLE"
		}
		return "REVOKE ROLE"
	case *pg.Node_ClusterStmt:
		return "CLUSTER"
	case *pg.Node_CreateFunctionStmt:
		if n.CreateFunctionStmt.IsProcedure {
			return "CREATE PROCEDURE"
		}
		return "CREATE FUNCTION"
	case *pg.Node_CreateTrigStmt:
		return "CREATE TRIGGER"
	case *pg.Node_CreateEnumStmt, *pg.Node_CompositeTypeStmt, *pg.Node_CreateRangeStmt, *pg.Node_DefineStmt:
		return "CREATE TYPE"
	case *pg.Node_CreateDomainStmt:
		return "CREATE DOMAIN"
	case *pg.Node_CreateExtensionStmt:
		return "CREATE EXTENSION"
	case *pg.Node_DoStmt:
		return "DO"
	case *pg.Node_CallStmt:
		return "CALL"
	case *pg.Node_RuleStmt:
		return "CREATE RULE"
	case *pg.Node_CreateStatsStmt:
		return "CREATE STATISTICS"
	case *pg.Node_CreateTableSpaceStmt:
		return "CREATE TABLESPACE"
	case *pg.Node_CreatePolicyStmt:
		return "CREATE POLICY"
	case *pg.Node_RefreshMatViewStmt:
		return "REFRESH MATERIALIZED VIEW"
	case *pg.Node_CreateForeignTableStmt:
		return "CREATE FOREIGN TABLE"
	case *pg.Node_CreatePublicationStmt:
		return "CREATE PUBLICATION"
	case *pg.Node_CreateSubscriptionStmt:
		return "CREATE SUBSCRIPTION"
	}
	return "this statement"
}

// objectWord is the SQL name of a kind of object.
func objectWord(t pg.ObjectType) string {
	switch t {
	case pg.ObjectType_OBJECT_MATVIEW:
		return "MATERIALIZED VIEW"
	case pg.ObjectType_OBJECT_ACCESS_METHOD:
		return "ACCESS METHOD"
	case pg.ObjectType_OBJECT_EVENT_TRIGGER:
		return "EVENT TRIGGER"
	case pg.ObjectType_OBJECT_FOREIGN_TABLE:
		return "FOREIGN TABLE"
	case pg.ObjectType_OBJECT_FDW:
		return "FOREIGN DATA WRAPPER"
	case pg.ObjectType_OBJECT_FOREIGN_SERVER:
		return "SERVER"
	case pg.ObjectType_OBJECT_OPCLASS:
		return "OPERATOR CLASS"
	case pg.ObjectType_OBJECT_OPFAMILY:
		return "OPERATOR FAMILY"
	case pg.ObjectType_OBJECT_STATISTIC_EXT:
		return "STATISTICS"
	case pg.ObjectType_OBJECT_TSCONFIGURATION:
		return "TEXT SEARCH CONFIGURATION"
	case pg.ObjectType_OBJECT_TSDICTIONARY:
		return "TEXT SEARCH DICTIONARY"
	}
	return strings.TrimPrefix(t.String(), "OBJECT_")
}
