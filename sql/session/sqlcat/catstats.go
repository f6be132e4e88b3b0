package sqlcat

import (
	"github.com/pgmini/pgmini/catalog/rows"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/sql/plan"
)

// catalogColumn is a column of a system catalog.
type catalogColumn struct {
	catalog oid.OID
	att     int
}

// catalogStats stand for the statistics of the large catalogs until somebody runs
// ANALYZE: initdb makes none, whereas stock PostgreSQL's does. The figures are
// those of a new stock cluster. constant
var catalogStats = map[catalogColumn]plan.ColumnStats{
	{oid.RelAttribute, rows.AnumPgAttributeAttrelid}: {Width: 4, Distinct: -0.134, Correlation: 0.947},
	{oid.RelAttribute, rows.AnumPgAttributeAttnum}:   {Width: 2, Distinct: 88, Correlation: 0.34},
	{oid.RelDepend, rows.AnumPgDependClassid}:        {Width: 4, Distinct: 9, Correlation: 0.208},
	{oid.RelDepend, rows.AnumPgDependObjid}:          {Width: 4, Distinct: -0.323, Correlation: 1},
	{oid.RelDepend, rows.AnumPgDependRefclassid}:     {Width: 4, Distinct: 7, Correlation: 0.117},
	{oid.RelDepend, rows.AnumPgDependRefobjid}:       {Width: 4, Distinct: -0.188, Correlation: 0.783},
	{oid.RelClass, rows.AnumPgClassRelname}:          {Width: 64, Distinct: -1, Correlation: -0.122},
	{oid.RelClass, rows.AnumPgClassRelnamespace}:     {Width: 4, Distinct: 3, Correlation: 0.464},
	{oid.RelType, rows.AnumPgTypeTypname}:            {Width: 64, Distinct: -0.998, Correlation: -0.081},
	{oid.RelProc, rows.AnumPgProcProname}:            {Width: 64, Distinct: -0.819, Correlation: 0.193},
}
