package lint

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pgmini/pgmini"

// layers is the policy: a package imports only packages on lines ABOVE its own,
// and those below its own entry's folder. The longest entry that is a prefix of a
// package's path counts. DO NOT EDIT TO MAKE A BUILD PASS; say why in the commit
// that changes it. constant
var layers = strings.Fields(`
	lsn,oid,xid,internal/invariants,internal/osmem,internal/pglz,internal/libm,internal/dd
	pgerr,pgstat
	vfs,datum,charset
	page,guc
	pgcontrol
	xlog
	smgr
	bufmgr
	slru,lmgr
	xact/ssi
	xact
	access
	access/fsm,access/vm
	access/heap
	access/nbtree
	access/indexheap
	catalog
	recovery
	walwriter,checkpointer,bgwriter,archiver,autovacuum
	replication,backup
	engine
	sql/parser,sql/node
	sql/types
	sql/builtin
	sql/analyze
	sql/analyze/syscat,sql/ruleutils
	sql/sysfuncs,sql/sysviews
	sql/plan
	sql/exec
	sql/trigger
	sql/env
	sql/commands
	sql/session
	server
	.
	cmd
	internal/oracle,internal/lint,internal/takeover,internal/sqltest,regress,bench
	sql/analyze/stockcat
`)

// mayImport lists what only some files may use: prefixes of paths, or "_test.go".
// constant
var mayImport = map[string][]string{
	"unsafe":            {"internal/osmem/"},
	"golang.org/x/sys/": {"internal/osmem/", "vfs/osfs/", "clients/"},
	"syscall":           {"internal/osmem/", "internal/oracle/", "vfs/", "pgerr/", "cmd/", "bench/", "_test.go"},
	"os":                {"cmd/", "vfs/osfs/", "internal/oracle/", "internal/dd/", "bench/", "regress/", "catalog/gen/", "_test.go"},
	"os/":               {"cmd/", "internal/oracle/", "bench/", "regress/", "catalog/gen/", "_test.go"},
	"math/rand":         {},               // math/rand/v2 with a seed from outside
	"log":               {"catalog/gen/"}, // slog, from the instance
}

// file is one parsed source file.
type file struct {
	path string // relative to the module's root
	pkg  string // folder
	ast  *ast.File
	text string
	test bool
	gen  bool // generated
}

const root = "../.."

func load(t *testing.T) ([]file, *token.FileSet) {
	t.Helper()
	fset := token.NewFileSet()
	var out []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "testdata" || n == "node_modules" || len(n) > 2 && n[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		a, err := parser.ParseFile(fset, p, b, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		out = append(out, file{rel, filepath.ToSlash(filepath.Dir(rel)), a, string(b),
			strings.HasSuffix(p, "_test.go"), ast.IsGenerated(a)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files found", len(out))
	}
	return out, fset
}

func imports(f file) (out []string) {
	for _, i := range f.ast.Imports {
		s, _ := strconv.Unquote(i.Path.Value)
		out = append(out, s)
	}
	return out
}

// layerOf is the line of a package and its entry on that line; -1 is none.
func layerOf(pkg string) (line int, entry string) {
	line = -1
	for n, l := range layers {
		for e := range strings.SplitSeq(l, ",") {
			if (pkg == e || strings.HasPrefix(pkg, e+"/")) && len(e) > len(entry) {
				line, entry = n, e
			}
		}
	}
	return line, entry
}

// checkLayer returns what is wrong with pkg importing imp, or "".
func checkLayer(pkg, imp string) string {
	line, entry := layerOf(pkg)
	to, toEntry := layerOf(imp)
	switch {
	case line < 0:
		return fmt.Sprintf("package %s is in no layer", pkg)
	case to < 0:
		return fmt.Sprintf("package %s is in no layer", imp)
	case to > line || to == line && entry != toEntry:
		return fmt.Sprintf("%s must not import %s", pkg, imp)
	}
	return ""
}

func TestLayers(t *testing.T) {
	for _, c := range []struct {
		pkg, imp string
		ok       bool
	}{{"bufmgr", "xlog", true}, {"xlog", "bufmgr", false}, {"smgr", "smgr", true}, {"page", "guc", false},
		{"access", "access/heap", false}, {"access/heap", "access", true}, {"vfs/osfs", "vfs", true}, {"nowhere", "page", false}} {
		if got := checkLayer(c.pkg, c.imp); (got == "") != c.ok {
			t.Errorf("the rule itself: %s imports %s: %q", c.pkg, c.imp, got)
		}
	}
	files, _ := load(t)
	for _, f := range files {
		if f.test {
			continue
		}
		for _, i := range imports(f) {
			if i != module && !strings.HasPrefix(i, module+"/") {
				continue
			}
			if msg := checkLayer(f.pkg, cmp.Or(strings.TrimPrefix(strings.TrimPrefix(i, module), "/"), ".")); msg != "" {
				t.Errorf("%s: %s", f.path, msg)
			}
		}
	}
}

// dangerous returns the rule that path's import of imp breaks, or "".
func dangerous(path, imp string) string {
	for rule, where := range mayImport {
		if imp != rule && !(strings.HasSuffix(rule, "/") && strings.HasPrefix(imp, rule)) {
			continue
		}
		if !slices.ContainsFunc(where, func(w string) bool {
			return w == "_test.go" && strings.HasSuffix(path, w) || strings.HasPrefix(path, w)
		}) {
			return rule
		}
	}
	return ""
}

func TestDangerousImports(t *testing.T) {
	if dangerous("page/page.go", "unsafe") == "" || dangerous("page/page_test.go", "os") != "" ||
		dangerous("xlog/log.go", "golang.org/x/sys/unix") == "" || dangerous("xlog/log.go", "os/exec") == "" {
		t.Error("the rule itself")
	}
	files, _ := load(t)
	for _, f := range files {
		for _, i := range imports(f) {
			if rule := dangerous(f.path, i); rule != "" {
				t.Errorf("%s imports %s", f.path, i)
			}
		}
	}
}

// constantComment marks a table that nobody writes.
var constantComment = regexp.MustCompile(`(?i)\bconstant\b`) // constant

// allowedVar reports whether a package variable may exist: a blank assertion, a
// sentinel error, an embedded file or what a comment calls constant.
func allowedVar(name string, decl *ast.GenDecl, spec *ast.ValueSpec) bool {
	if name == "_" || strings.HasPrefix(name, "Err") || strings.HasPrefix(name, "err") {
		return true
	}
	for _, c := range []*ast.CommentGroup{decl.Doc, spec.Doc, spec.Comment} {
		if c == nil {
			continue
		}
		for _, l := range c.List {
			if constantComment.MatchString(l.Text) || strings.HasPrefix(l.Text, "//go:embed") {
				return true
			}
		}
	}
	return false
}

func TestNoWrittenGlobals(t *testing.T) {
	files, fset := load(t)
	globals := map[string]map[string]bool{} // package -> names
	for _, f := range files {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: init function", fset.Position(d.Pos()))
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					v, ok := s.(*ast.ValueSpec)
					if !ok || d.Tok != token.VAR {
						continue
					}
					for _, n := range v.Names {
						if globals[f.pkg] == nil {
							globals[f.pkg] = map[string]bool{}
						}
						globals[f.pkg][n.Name] = n.Name != "_"
						if !allowedVar(n.Name, d, v) && !f.gen {
							t.Errorf("%s: package variable %s: pass it in, or call it constant", fset.Position(n.Pos()), n.Name)
						}
					}
				}
			}
		}
	}
	for _, f := range files {
		if !f.test {
			written(f, globals[f.pkg], func(n *ast.Ident) {
				t.Errorf("%s: package variable %s is written", fset.Position(n.Pos()), n.Name)
			})
		}
	}
}

// written reports assignments to package variables in f.
func written(f file, globals map[string]bool, report func(*ast.Ident)) {
	check := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
				continue
			case *ast.SelectorExpr:
				e = x.X
				continue
			case *ast.Ident:
				if globals[x.Name] && (x.Obj == nil || f.ast.Scope.Objects[x.Name] == x.Obj) {
					report(x)
				}
			}
			return
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, l := range n.Lhs {
					check(l)
				}
			}
		case *ast.IncDecStmt:
			check(n.X)
		}
		return true
	})
}

// claim finds the functions that an invariant names.
var claim = regexp.MustCompile(`(Enforced|Tested):\s+((?:(?:[\w/]+\.)*\w+)(?:(?:,| and)\s+(?:[\w/]+\.)*\w+)*)`) // constant

func TestInvariantsNameFunctions(t *testing.T) {
	files, fset := load(t)
	names := map[string]bool{}
	for _, f := range files {
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[d.Name.Name] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok {
						names[ts.Name.Name] = true
					}
				}
			}
		}
	}
	claims := 0
	for _, f := range files {
		for _, c := range f.ast.Comments {
			if !strings.Contains(c.Text(), "INV-") {
				continue
			}
			for _, m := range claim.FindAllStringSubmatch(c.Text(), -1) {
				for at, n := range strings.Split(strings.ReplaceAll(m[2], " and ", ","), ",") {
					n = strings.TrimSpace(n)
					if at > 0 && n == strings.ToLower(n) && !strings.Contains(n, ".") {
						break // prose goes on after the comma
					}
					n = n[strings.LastIndex(n, ".")+1:]
					claims++
					if !names[n] {
						t.Errorf("%s: an invariant names %s, which does not exist", fset.Position(c.Pos()), n)
					}
				}
			}
		}
	}
	if claims < 10 {
		t.Errorf("only %d names found: the pattern is broken", claims)
	}
}

const (
	maxFile = 600
	maxFunc = 80
)

// TestSizes is a ratchet: testdata/sizes lists what is too long today and may
// only shrink. PGMINI_REWRITE=1 writes it.
func TestSizes(t *testing.T) {
	files, fset := load(t)
	long := map[string]int{}
	for _, f := range files {
		if f.gen {
			continue
		}
		if n := strings.Count(f.text, "\n"); n > maxFile {
			long[f.path] = n
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunc {
					long[f.path+":"+fn.Name.Name] = n
				}
			}
		}
	}
	const name = "testdata/sizes"
	if os.Getenv("PGMINI_REWRITE") == "1" {
		var lines []string
		for k, n := range long {
			lines = append(lines, fmt.Sprintf("%s %d\n", k, n))
		}
		slices.Sort(lines)
		if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]int{}
	for l := range strings.Lines(string(b)) {
		var k string
		var n int
		if _, err := fmt.Sscan(l, &k, &n); err != nil {
			t.Fatalf("%s: %q: %v", name, l, err)
		}
		allowed[k] = n
	}
	for k, n := range long {
		if n > max(allowed[k], 0) {
			t.Errorf("%s has %d lines; the limit is %d for a file, %d for a function, and was %d for this one", k, n, maxFile, maxFunc, allowed[k])
		}
	}
}
