// Package server speaks PostgreSQL's protocol: it takes connections, authenticates
// them by pg_hba.conf, and runs a session for each.
//
// INV-SRV-1 (guard): no buffer is allocated by a length that a client sent; a
// message's buffer grows as its bytes arrive, and before authentication no message
// may be longer than PostgreSQL allows. Enforced: reader.read. Tested:
// TestGarbage, FuzzReader.
//
// INV-SRV-2 (skip): after an error in the extended protocol every message up to
// Sync is skipped. Enforced: conn.extended. Tested: TestErrorSkipsToSync.
//
// INV-SRV-3 (encoding): text goes to and comes from the client in its encoding; a
// message with a character that the encoding does not have is not sent, its error
// is. The binary forms of arrays, records and enums are sent as they are.
// Enforced: writer.whole, writer.rows. Tested: TestClientEncoding.
package server
