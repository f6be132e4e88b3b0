package nbtree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pgmini/pgmini/datum"
	"github.com/pgmini/pgmini/oid"
	"github.com/pgmini/pgmini/page"
	"github.com/pgmini/pgmini/pgerr"
)

func TestBuild(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 300, 30000} {
		for _, mem := range []int{0, 100 << 10} {
			for name, key := range map[string]func(i int) []datum.Datum{
				"unique": func(i int) []datum.Datum {
					return []datum.Datum{datum.Int(int64(i * 7919 % 104729)), datum.String("x")}
				},
				"duplicates": func(i int) []datum.Datum { return []datum.Datum{datum.Int(rng.Int64N(20)), datum.String("y")} },
				"wide": func(i int) []datum.Datum {
					return []datum.Datum{datum.Int(rng.Int64N(20)), datum.String(fmt.Sprintf("%0*d", rng.IntN(400), i%9))}
				},
			} {
				t.Run(fmt.Sprint(n, mem, name), func(t *testing.T) {
					w := newWorld(t, 256)
					idx := w.index(100, name == "unique", oid.Int4, oid.Text)
					must(t, w.m.Create(idx.Node, page.MainFork))
					files := 0
					b := newBuilder(w.env(idx), BuildOptions{Memory: mem, FS: w.fs, TempName: func() string {
						files++
						return fmt.Sprintf("base/tmp%d", files)
					}})
					for _, i := range rng.Perm(n) {
						must(t, b.Add(key(i), tidOf(i), true))
					}
					got, err := b.Finish(context.Background())
					must(t, err)
					if int(got) != n || w.count(idx) != n {
						t.Fatalf("%v built, %d found, want %d", got, w.count(idx), n)
					}
					if n == 30000 && mem > 0 && files < 2 {
						t.Fatalf("%d runs", files)
					}
					if n > 0 { // inserts into a built index
						for i := range 500 {
							w.insert(idx, tidOf(n+i), key(n+i)...)
						}
						if w.count(idx) != n+500 {
							t.Fatal("inserts lost")
						}
					}
					w.sameAfterRedo(idx, w.records(testStart))
				})
			}
		}
	}
}

func TestBuildDuplicate(t *testing.T) {
	w := newWorld(t, 64)
	idx := w.index(100, true, oid.Int4)
	must(t, w.m.Create(idx.Node, page.MainFork))
	b := newBuilder(w.env(idx), BuildOptions{Describe: func(v []datum.Datum) string { return fmt.Sprintf("(a)=(%d)", v[0].Int) }})
	must(t, b.Add([]datum.Datum{datum.Null()}, tidOf(8), true))
	must(t, b.Add([]datum.Datum{datum.Null()}, tidOf(9), true))
	must(t, b.Add([]datum.Datum{datum.Int(1)}, tidOf(1), true))
	must(t, b.Add([]datum.Datum{datum.Int(1)}, tidOf(2), false))
	must(t, b.Add([]datum.Datum{datum.Int(1)}, tidOf(3), true))
	_, err := b.Finish(context.Background())
	e, ok := pgerr.As(err)
	if !ok || e.Code != pgerr.UniqueViolation || e.Detail != "Key (a)=(1) is duplicated." || e.Msg != `could not create unique index "ix"` {
		t.Fatalf("%#v", err)
	}
}
