package powerfail

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSyncsAreListed compares Syncs with the source: every function that calls for a
// sync is listed, and nothing else is; each entry has a test that exists, or says why
// it has none.
func TestSyncsAreListed(t *testing.T) {
	inSource, tests := map[string]bool{}, map[string]bool{}
	root := "../.."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		switch top, _, _ := strings.Cut(rel, string(os.PathSeparator)); {
		case strings.HasSuffix(name, "_test.go"):
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					tests[f.Name.Name+"."+fn.Name.Name] = true
				}
			}
		case top != "vfs" && top != "server" && top != "sql" && top != "bench" && top != "internal":
			syncsIn(f, inSource)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(inSource, "Sync checkpointer.(*Creator).flush") // smgr's, which syncs files
	listed := map[string]bool{}
	for _, k := range Syncs() {
		at, _, _ := strings.Cut(k.Site, " <")
		at, _, _ = strings.Cut(at, ":")
		at = strings.TrimSuffix(at, "$")
		listed[at] = true
		if !inSource[at] {
			t.Errorf("%s: the source has no such call", k.Site)
		}
		if (k.Test == "") == (k.Kept == "") || k.Test != "" && !tests[k.Test] {
			t.Errorf("%s: test %q, reason %q", k.Site, k.Test, k.Kept)
		}
	}
	for at := range inSource {
		if !listed[at] {
			t.Errorf("%s is not listed", at)
		}
	}
}

// syncsIn collects the functions of a file that sync.
func syncsIn(f *ast.File, found map[string]bool) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		name := f.Name.Name + "." + fn.Name.Name
		if fn.Recv != nil {
			switch r := fn.Recv.List[0].Type.(type) {
			case *ast.StarExpr:
				name = f.Name.Name + ".(*" + r.X.(*ast.Ident).Name + ")." + fn.Name.Name
			case *ast.Ident:
				name = f.Name.Name + "." + r.Name + "." + fn.Name.Name
			}
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := c.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, _ := s.X.(*ast.Ident)
			vfs := x != nil && x.Name == "vfs"
			switch {
			case len(c.Args) == 0 && slices.Contains([]string{"Sync", "Datasync"}, s.Sel.Name), vfs && s.Sel.Name == "WriteFile":
				found["Sync "+name] = true
			case len(c.Args) == 1 && s.Sel.Name == "SyncDir":
				found["SyncDir "+name] = true
			case vfs && slices.Contains([]string{"DurableReplace", "DurableRename"}, s.Sel.Name):
				found["Sync "+name], found["SyncDir "+name] = true, true
			}
			return true
		})
	}
}
