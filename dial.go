package pgmini

import (
	"context"
	"net"
)

// Dial returns a connection to the server that goes through no network:
// PostgreSQL's protocol over a net.Pipe, which pg_hba.conf treats as a Unix socket.
// It is what a driver's dial function may return: DialFunc of pgx's Config, a Dialer
// of lib/pq. With "host=/" the driver asks for no TLS.
func (db *DB) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	go db.ServeConn(context.WithoutCancel(ctx), far, true)
	return near, nil
}
