package pgmini_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"github.com/pgmini/pgmini"
	"github.com/pgmini/pgmini/engine"
)

// dialer is lib/pq's Dialer.
type dialer struct{ db *pgmini.DB }

func (d dialer) Dial(_, _ string) (net.Conn, error) { return d.db.Dial(context.Background()) }

func (d dialer) DialTimeout(_, _ string, _ time.Duration) (net.Conn, error) { return d.Dial("", "") }

// A server within the program, used by pgx and by database/sql without a network.
func Example() {
	ctx := context.Background()
	db, err := pgmini.OpenMemory(ctx)
	if err != nil {
		panic(err)
	}
	defer db.Stop(engine.Fast)

	cfg, err := pgx.ParseConfig("host=/ user=postgres database=postgres")
	if err != nil {
		panic(err)
	}
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return db.Dial(ctx) }
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		panic(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "create table fruit(name text primary key, n int)"); err != nil {
		panic(err)
	}
	rows := [][]any{{"apple", 3}, {"pear", 5}}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"fruit"}, []string{"name", "n"}, pgx.CopyFromRows(rows)); err != nil {
		panic(err)
	}
	_, err = conn.Exec(ctx, "insert into fruit values ($1, $2)", "apple", 1)
	fmt.Println(err)

	connector, err := pq.NewConnector("user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		panic(err)
	}
	connector.Dialer(dialer{db})
	pool := sql.OpenDB(connector)
	defer pool.Close()
	var total int
	if err := pool.QueryRow("select sum(n) from fruit").Scan(&total); err != nil {
		panic(err)
	}
	fmt.Println(total)
	// Output:
	// ERROR: duplicate key value violates unique constraint "fruit_pkey" (SQLSTATE 23505)
	// 8
}
