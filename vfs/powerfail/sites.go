package powerfail

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pgmini/pgmini/"

var number = regexp.MustCompile(`[0-9A-F]{4,}|[0-9]+`) // constant

// site names the place in the source that called for a sync, with its caller, and
// the kind of folder, but for tests' own: "Sync slru.(*Cache).sync < slru.(*Cache).Checkpoint: pg_xact".
func site(kind, name string) string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var at []string
	for len(at) < 2 {
		fr, more := frames.Next()
		if f, ok := strings.CutPrefix(fr.Function, module); ok && !strings.HasPrefix(f, "vfs.") && !strings.HasPrefix(f, "vfs/") && !strings.HasSuffix(fr.File, "_test.go") {
			at = append(at, path.Base(f))
		}
		if !more {
			break
		}
	}
	if len(at) == 0 {
		return "" // a test's own
	}
	dir := strings.Trim(path.Clean("/"+name), "/")
	if kind != "SyncDir" {
		dir = path.Dir(dir)
	}
	return fmt.Sprintf("%s %s: %s", kind, strings.Join(at, " < "), number.ReplaceAllString(cmp.Or(dir, "."), "N"))
}

// Sites are the places that called for a sync, in order.
func (f *FS) Sites() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	set := map[string]bool{}
	for _, s := range f.sites {
		set[s] = true
	}
	out := []string{}
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// luck is what happens to what was not synced.
type luck uint8

const (
	chance  luck = iota // the seed decides of each piece
	none                // all of it is lost
	skipped             // what the sync would have saved that was skipped is lost, all else is there
)

// images runs the workload once with the syncs of a site skipped, and calls look at
// each n-th step, after each acknowledgement, and at the end, with a function that
// gives what the next start would find if the power went off now.
func (w Workload[T]) images(site string, n int, look func(step int, crash func(luck, *rand.Rand) *FS, acked []T) error) error {
	fs := w.start()
	fs.Torn, fs.skipSite = true, site
	var acked []T
	var bad error
	see := func() {
		if bad == nil {
			bad = look(fs.step, func(l luck, rng *rand.Rand) *FS { return fs.image(l, rng) }, acked)
		}
		fs.off = fs.off || bad != nil
	}
	last, told := fs.step, 0
	fs.onStep = func() {
		if (fs.step >= last+n || len(acked) > told) && (site == "" || fs.skips > 0) { // before, nothing is amiss
			last, told = fs.step, len(acked)
			see()
		}
	}
	err := w.Run(fs, func(v T) { acked = append(acked, v) })
	fs.mu.Lock()
	defer fs.mu.Unlock()
	switch {
	case bad != nil:
		return bad
	case err != nil:
		return fmt.Errorf("without a crash: %w", err)
	}
	fs.onStep = nil
	see()
	return bad
}

// look checks the images of one moment.
func (w Workload[T]) look(skip bool) func(int, func(luck, *rand.Rand) *FS, []T) error {
	return func(step int, crash func(luck, *rand.Rand) *FS, acked []T) error {
		for seed := range max(w.Seeds, 1) {
			l := chance
			switch {
			case seed == 1:
				l = none
			case seed == 0 && skip:
				l = skipped
			}
			after := crash(l, rand.New(rand.NewPCG(uint64(step), uint64(seed))))
			if err := w.Check(after, slices.Clone(acked)); err != nil {
				return fmt.Errorf("after step %d, seed %d, acked %v of %d: %w", step, seed, acked[max(0, len(acked)-1):], len(acked), err)
			}
		}
		return nil
	}
}

// Images is Sweep by other means: the workload runs once, and what a crash would
// leave is looked at before each of its steps and after the last one.
func (w Workload[T]) Images(t testing.TB) {
	t.Helper()
	w, _ = w.normal(t)
	if err := w.images("", w.Every, w.look(false)); err != nil {
		t.Fatal(err)
	}
}

// Without runs the workload with the syncs of a site skipped, looking at each step
// or, first, at every stride-th and at the one after each acknowledgement, and returns what Check complained of, or nil if
// nothing was missed. An error of the workload itself counts too: who reads what was
// lost notices.
func (w Workload[T]) Without(site string, strides ...int) error {
	w.Seeds = max(w.Seeds, 1)
	for _, n := range strides {
		if err := w.images(site, n, w.look(true)); err != nil {
			return err
		}
	}
	return nil
}

// EverySync checks Syncs against workloads: every place that syncs in one of them
// is listed, and without any of those that test stands for one of them fails.
func EverySync[T any](t *testing.T, test string, strides []int, ws ...Workload[T]) {
	t.Helper()
	met := map[string][]int{}
	for i, w := range ws {
		_, fs := w.normal(t)
		for _, s := range fs.Sites() {
			if s == "" {
				continue
			}
			k := find(s)
			if k == nil {
				t.Errorf("%s is in no list of places that sync", s)
				continue
			}
			if k.Test == test && !slices.Contains(met[k.Site], i) {
				met[k.Site] = append(met[k.Site], i)
			}
		}
	}
	for _, k := range Syncs() {
		if k.Test != test {
			continue
		}
		if met[k.Site] == nil {
			t.Errorf("%s: no workload comes there", k.Site)
			continue
		}
		var err error
		for _, n := range strides {
			for _, i := range met[k.Site] {
				if err == nil {
					err = ws[i].Without(k.Site, n)
				}
			}
		}
		if err == nil {
			t.Errorf("nobody misses %s", k.Site)
		} else {
			t.Logf("without %s: %v", k.Site, err)
		}
	}
}

// matches reports whether site is what an entry of Syncs means.
func matches(site, entry string) bool {
	whole, ok := strings.CutSuffix(entry, "$")
	return ok && site == whole || !ok && entry != "" && strings.HasPrefix(site, entry)
}

// find is the entry of a site, the most exact one.
func find(site string) (best *Known) {
	for _, k := range Syncs() {
		if matches(site, k.Site) && (best == nil || len(k.Site) > len(best.Site)) {
			best = &k
		}
	}
	return best
}
