// Command gen reads the facts of a stock PostgreSQL 15 cluster's catalogs
// (names, OIDs, signatures) and writes the files that pgmini builds its own
// catalogs from:
//
//	catalog/bootstrap/pg15.txt.gz   the rows initdb loads
//	catalog/rows/*_pg15.go          one struct per catalog, its columns and indexes
//	guc/settings_pg15.go            the settings
//
// It wants a server on a cluster fresh from "initdb --locale=C -E UTF8" and is
// run by go generate, never by a test. Descriptions, views, information_schema,
// SQL-language bodies and collations of the operating system stay behind.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"go/format"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is the connection to the stock cluster.
type server struct{ args []string }

// query runs one SQL command and returns its rows, cells unescaped only by tab.
func (s server) query(sql string) [][]string {
	cmd := exec.Command("psql", append(s.args, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "COPY ("+sql+") TO STDOUT")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		log.Fatalf("query %s: %v", sql, err)
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

func main() {
	log.SetFlags(0)
	host := flag.String("h", "", "host or socket folder of the stock server")
	port := flag.String("p", "5432", "its port")
	user := flag.String("U", "postgres", "its superuser, named postgres")
	root := flag.String("root", "../..", "the repository's root")
	flag.Parse()
	s := server{[]string{"-h", *host, "-p", *port, "-U", *user, "-d", "template1"}}
	cats := readCatalogs(s)
	writeGzip(filepath.Join(*root, "catalog/bootstrap/pg15.txt.gz"), dumpRows(s, cats))
	for name, src := range rowTypes(s, cats) {
		writeGo(filepath.Join(*root, "catalog/rows", name), src)
	}
	table, names := settings(s)
	writeGo(filepath.Join(*root, "guc/settings_pg15.go"), table)
	writeGo(filepath.Join(*root, "guc/ids_pg15.go"), names)
}

func writeGzip(path string, b []byte) {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression) // the level is valid
	if _, err := w.Write(b); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	write(path, z.Bytes())
}

func writeGo(path, src string) {
	b, err := format.Source([]byte(src))
	if err != nil {
		log.Fatalf("%s: %v\n%s", path, err, src)
	}
	write(path, b)
}

func write(path string, b []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d bytes\n", path, len(b))
}
