// Package oid holds the object identifier type and those well-known OIDs that
// code, not only catalog rows, must know. The names are PostgreSQL 15's.
package oid

// OID names a catalog row (PostgreSQL: Oid). 0 is invalid.
type OID uint32

// Limits of the OID ranges (PostgreSQL: access/transam.h).
const (
	Invalid            OID = 0
	FirstGenbki        OID = 10000 // assigned by the bootstrap tool
	FirstUnpinned      OID = 12000 // created by initdb after bootstrap
	FirstNormal        OID = 16384 // created by users
	BootstrapSuperuser OID = 10
)

// Types.
const (
	Bool                  OID = 16
	Bytea                 OID = 17
	Char                  OID = 18
	Name                  OID = 19
	Int8                  OID = 20
	Int2                  OID = 21
	Int2Vector            OID = 22
	Int4                  OID = 23
	RegProc               OID = 24
	Text                  OID = 25
	Oid                   OID = 26
	Tid                   OID = 27
	Xid                   OID = 28
	Cid                   OID = 29
	OidVector             OID = 30
	PgType                OID = 71
	PgAttribute           OID = 75
	PgProc                OID = 81
	PgClass               OID = 83
	JSON                  OID = 114
	XML                   OID = 142
	PgNodeTree            OID = 194
	Point                 OID = 600
	Float4                OID = 700
	Float8                OID = 701
	Unknown               OID = 705
	Money                 OID = 790
	Inet                  OID = 869
	BoolArray             OID = 1000
	ByteaArray            OID = 1001
	CharArray             OID = 1002
	NameArray             OID = 1003
	Int2Array             OID = 1005
	Int4Array             OID = 1007
	TextArray             OID = 1009
	TidArray              OID = 1010
	XidArray              OID = 1011
	BpcharArray           OID = 1014
	BitArray              OID = 1561
	VarcharArray          OID = 1015
	Int8Array             OID = 1016
	Float4Array           OID = 1021
	Float8Array           OID = 1022
	OidArray              OID = 1028
	AclItem               OID = 1033
	AclItemArray          OID = 1034
	Bpchar                OID = 1042
	Varchar               OID = 1043
	Date                  OID = 1082
	Time                  OID = 1083
	Timestamp             OID = 1114
	TimestampArray        OID = 1115
	DateArray             OID = 1182
	TimestampTZ           OID = 1184
	TimestampTZArray      OID = 1185
	Interval              OID = 1186
	IntervalArray         OID = 1187
	NumericArray          OID = 1231
	CstringArray          OID = 1263
	TimeTZ                OID = 1266
	Bit                   OID = 1560
	Varbit                OID = 1562
	Numeric               OID = 1700
	RefCursor             OID = 1790
	RegProcedure          OID = 2202
	RegOper               OID = 2203
	RegOperator           OID = 2204
	RegClass              OID = 2205
	RegType               OID = 2206
	RegTypeArray          OID = 2211
	Record                OID = 2249
	Cstring               OID = 2275
	Any                   OID = 2276
	AnyArray              OID = 2277
	Void                  OID = 2278
	Trigger               OID = 2279
	Internal              OID = 2281
	AnyElement            OID = 2283
	RecordArray           OID = 2287
	AnyNonArray           OID = 2776
	UUID                  OID = 2950
	UUIDArray             OID = 2951
	TxidSnapshot          OID = 2970
	PgLSN                 OID = 3220
	PgLSNArray            OID = 3221
	AnyEnum               OID = 3500
	RegConfig             OID = 3734
	RegDictionary         OID = 3769
	JSONB                 OID = 3802
	AnyRange              OID = 3831
	RegNamespace          OID = 4089
	RegRole               OID = 4096
	RegCollation          OID = 4191
	PgSnapshot            OID = 5038
	XID8                  OID = 5069
	AnyCompatible         OID = 5077
	AnyCompatibleArray    OID = 5078
	AnyCompatibleNonArray OID = 5079
)

// Collations.
const (
	DefaultCollation OID = 100
	CCollation       OID = 950
	POSIXCollation   OID = 951
)

// Access methods.
const (
	HeapAM  OID = 2
	BtreeAM OID = 403
	HashAM  OID = 405
)

// Tablespaces, namespaces, databases.
const (
	DefaultTablespace OID = 1663
	GlobalTablespace  OID = 1664
	CatalogNamespace  OID = 11
	ToastNamespace    OID = 99
	PublicNamespace   OID = 2200
	Template1DB       OID = 1
	Template0DB       OID = 4
	PostgresDB        OID = 5
)

// Catalogs that code opens by OID.
const (
	RelTablespace         OID = 1213
	RelType               OID = 1247
	RelAttribute          OID = 1249
	RelProc               OID = 1255
	RelClass              OID = 1259
	RelAuthID             OID = 1260
	RelAuthMembers        OID = 1261
	RelDatabase           OID = 1262
	RelForeignServer      OID = 1417
	RelUserMapping        OID = 1418
	RelForeignDataWrapper OID = 2328
	RelAggregate          OID = 2600
	RelAm                 OID = 2601
	RelAmop               OID = 2602
	RelAmproc             OID = 2603
	RelAttrdef            OID = 2604
	RelCast               OID = 2605
	RelConstraint         OID = 2606
	RelConversion         OID = 2607
	RelDepend             OID = 2608
	RelDescription        OID = 2609
	RelIndex              OID = 2610
	RelInherits           OID = 2611
	RelLanguage           OID = 2612
	RelLargeobject        OID = 2613
	RelNamespace          OID = 2615
	RelOpclass            OID = 2616
	RelOperator           OID = 2617
	RelRewrite            OID = 2618
	RelStatistic          OID = 2619
	RelTrigger            OID = 2620
	RelOpfamily           OID = 2753
	RelDbRoleSetting      OID = 2964
	RelShdepend           OID = 1214
	RelShdescription      OID = 2396
	RelExtension          OID = 3079
	RelCollation          OID = 3456
	RelSequence           OID = 2224
	RelStatisticExt       OID = 3381
	RelEnum               OID = 3501
	RelRange              OID = 3541
	RelInitPrivs          OID = 3394
	RelDefaultACL         OID = 826
	RelPartitioned        OID = 3350
)
