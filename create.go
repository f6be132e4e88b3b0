package pgmini

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/pgmini/pgmini/catalog/initdb"
	"github.com/pgmini/pgmini/vfs"
	"github.com/pgmini/pgmini/vfs/memfs"
)

// Create makes a new data directory in fs, which is empty: superuser postgres, who
// has no password, so that only local connections, which are trusted, can be made.
func Create(fs vfs.FS) error {
	return initdb.Create(initdb.Options{FS: fs, AuthHost: "scram-sha-256", Random: rand.Reader})
}

// OpenMemory opens a fresh server that lives in memory, and is gone when it is
// stopped. Settings go before the defaults.
func OpenMemory(ctx context.Context, settings ...[2]string) (*DB, error) {
	fs := memfs.New()
	if err := initdb.Create(initdb.Options{FS: fs, NoSync: true, Random: rand.Reader}); err != nil {
		return nil, fmt.Errorf("make a data directory in memory: %w", err)
	}
	return Open(ctx, Config{FS: fs, Dir: "/memory", PID: 1,
		Settings: append([][2]string{{"shared_buffers", "16MB"}, {"fsync", "off"}}, settings...)})
}
