package engine

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/lsn"
	"github.com/pgmini/pgmini/vfs"
)

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logBuffer collects an instance's log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) has(t testing.TB, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(l.String(), w) {
			t.Errorf("the log lacks %q:\n%s", w, l.String())
		}
	}
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// newCluster makes a small cluster on fsys.
func newCluster(t testing.TB, fsys vfs.FS, noSync bool) {
	t.Helper()
	must(t, initdb.Create(initdb.Options{FS: fsys, SegSize: lsn.SegSize(1 << 20), Random: rand.NewChaCha8([32]byte{1}), NoSync: noSync}))
	must(t, fsys.Chmod(".", 0o700))
}

// testSettings are small.
func testSettings() *Settings {
	s := DefaultSettings()
	s.SharedBuffers = 256
	return &s
}
