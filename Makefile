# build   the binary
# test    the test command: vet and all tests; PostgreSQL 15 is installed when it is missing
# check   what is quick: formatting, vet, lint and the short tests
# crash   N rounds of kill -9 under load
# generations  crash after crash in memory against a model, stock PostgreSQL judging some
# nightly everything that is long: many crash rounds, the race detector, fuzzing
# bench   both servers side by side; figures go to bench/results.jsonl
N ?= 100
FUZZTIME ?= 60s
GO ?= go

.PHONY: build test check oracle clients crash generations nightly race bench fuzz

build:
	$(GO) build -o pgmini ./cmd/pgmini

oracle:
	@.ci/postgresql

# the drivers of package clients
clients: oracle
	@.ci/clients

test: clients
	$(GO) vet ./...
	$(GO) test -p 2 -timeout 14m ./...

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) test -short ./internal/lint ./lsn ./page ./pgcontrol ./xlog ./bufmgr ./xact ./access/... ./sql/...

crash: oracle
	PGMINI_CRASH_ROUNDS=$(N) $(GO) test -count=1 -timeout 6h -v -run TestKillLoop ./internal/crash

race: clients
	$(GO) test -race -p 2 -timeout 3h ./...

generations: oracle
	PGMINI_CRASH_TIME=30m PGMINI_CRASH_STOCK=100 $(GO) test -count=1 -timeout 2h -v -run TestGenerations ./internal/crashmodel

nightly: race crash generations fuzz
	PGMINI_NIGHTLY=1 $(GO) test -tags nightly -count=1 -p 2 -timeout 6h ./...
	$(GO) test -tags invariants -p 2 -timeout 3h ./...

bench: oracle
	$(GO) run ./bench

fuzz:
	.ci/fuzz $(FUZZTIME)
