// Command bench runs stock PostgreSQL 15 and pgmini alternately on this machine
// with the same settings, prints ratios, and appends the figures as lines of
// JSON to bench/results.jsonl.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// figure is one line of results.jsonl.
type figure struct {
	Commit string    `json:"commit"`
	Time   time.Time `json:"time"`
	CPU    string    `json:"cpu"`
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Stock  float64   `json:"stock"`
	Pgmini float64   `json:"pgmini"`
	Ratio  float64   `json:"ratio"` // pgmini / stock
}

// bench is one run.
type bench struct {
	rows    int
	seconds int
	scale   int
	repeat  int
	only    *regexp.Regexp
	dir     string
	stock   *server
	ours    *server
	results []figure
}

func main() {
	b := bench{}
	flag.IntVar(&b.rows, "rows", 5_000_000, "rows of COPY FROM")
	flag.IntVar(&b.seconds, "T", 8, "seconds of each pgbench run")
	flag.IntVar(&b.scale, "s", 50, "pgbench's scale")
	flag.IntVar(&b.repeat, "repeat", 3, "turns of each measurement; the median counts")
	only := flag.String("only", "", "measure only what this regular expression matches")
	out := flag.String("o", "bench/results.jsonl", "file to append to")
	flag.Parse()
	b.only = regexp.MustCompile(*only)
	if err := b.run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(out string) (err error) {
	if b.dir, err = os.MkdirTemp("", "pgmini-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	if b.stock, err = newStock(b.dir); err != nil {
		return err
	}
	if b.ours, err = newPgmini(b.dir); err != nil {
		return err
	}
	defer b.stock.stop()
	defer b.ours.stop()
	for _, m := range []struct {
		name, unit string
		f          func(*server) (float64, error)
	}{
		{"initdb --no-sync", "ms", b.initdb},
		{"start to first query", "ms", b.start},
		{"pgbench -S prepared -c 8", "tps", b.pgbench("-S", "-M", "prepared")},
		{"pgbench -S simple -c 8", "tps", b.pgbench("-S", "-M", "simple")},
		{"pgbench TPC-B prepared -c 8", "tps", b.pgbench("-M", "prepared")},
		{"pgbench -S -C -c 8", "tps", b.pgbench("-S", "-C")},
		{"COPY FROM", "ms", b.copyFrom},
		{"memory of an idle session", "kB", b.idle},
		{"CPU of 1000 idle sessions", "ms/s", b.idleCPU},
	} {
		if !b.only.MatchString(m.name) {
			continue
		}
		if err := b.directories(); err != nil {
			return err
		}
		if err := b.measure(m.name, m.unit, m.f); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return b.save(out)
}

// measure takes turns between the servers.
func (b *bench) measure(name, unit string, f func(*server) (float64, error)) error {
	var stock, ours []float64
	for range b.repeat {
		for _, s := range []*server{b.stock, b.ours} {
			v, err := f(s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if s == b.stock {
				stock = append(stock, v)
			} else {
				ours = append(ours, v)
			}
		}
	}
	r := figure{commit(), time.Now().UTC(), fmt.Sprintf("%s/%d", cpu(), runtime.NumCPU()), name, unit, median(stock), median(ours), 0}
	r.Ratio = r.Pgmini / r.Stock
	b.results = append(b.results, r)
	fmt.Printf("%-30s stock %10.1f  pgmini %10.1f %s  ratio %.2f\n", name, r.Stock, r.Pgmini, unit, r.Ratio)
	return nil
}

func median(v []float64) float64 {
	slices.SortFunc(v, cmp.Compare[float64])
	return v[len(v)/2]
}

func (b *bench) save(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	for _, r := range b.results {
		err = errors.Join(err, enc.Encode(r))
	}
	return errors.Join(err, f.Close())
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// cpu is the model's name.
func cpu() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for l := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}

// file is a path in the run's directory.
func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }
