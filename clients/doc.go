// Package clients runs pgbench, unmodified, against pgmini. The tests with pgx and
// lib/pq are in package server.
package clients
