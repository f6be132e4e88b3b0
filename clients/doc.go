// Package clients runs clients that PostgreSQL's users have, unmodified, against
// pgmini: psql in a terminal, pgbench, psycopg and node-postgres. pgx and lib/pq are tested in package
// server.
package clients
