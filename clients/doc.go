// Package clients runs clients that PostgreSQL's users have, unmodified, against
// pgmini: pgbench, pgx, lib/pq, psycopg, node-postgres.
package clients
