module github.com/pgmini/pgmini

go 1.26.0

require (
	github.com/cockroachdb/apd/v3 v3.2.3
	github.com/dlclark/regexp2 v1.12.0
	github.com/klauspost/compress v1.20.3
	github.com/pganalyze/pg_query_go/v6 v6.2.5
	github.com/pierrec/lz4/v4 v4.1.33
	github.com/xdg-go/scram v1.4.0
	golang.org/x/sys v0.49.0
	google.golang.org/protobuf v1.33.0
)

require (
	github.com/lib/pq v1.12.3 // indirect
	github.com/xdg-go/stringprep v1.0.4 // indirect
	golang.org/x/text v0.41.0 // indirect
)
