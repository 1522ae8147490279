# Everything a developer does, one word each. `make` alone lists it.
# Each target says what it does before it does it, and installs only what is missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PLEXTERA := target/debug/plextera
FILE ?=
DATA ?=
ARGS ?=
KILLS ?= 1000
SECONDS_EACH ?= 60

.PHONY: help demo test crash crash-deliveries chaos-workflows hostile fuzz fuzz-workflows bench bench-deliveries bench-workflows bench-learning bench-insights accuracy-diagram schemathesis fmt lint build doctor

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

build: ## build the program
	@echo "==> building plextera"
	scripts/install-packages.sh build
	cargo build --locked -p plextera

demo: ## read a document and receive its signed webhook; FILE=invoice.pdf for your own
	@echo "==> a document in, typed fields and a verified webhook out"
	scripts/install-packages.sh build ocr
	cargo build --locked -p plextera
	$(PLEXTERA) demo $(if $(FILE),"$(FILE)")

test: ## install what the tests need, run all of them
	@echo "==> all tests, on SQLite and PostgreSQL"
	scripts/install-packages.sh build ocr postgres python node go
	scripts/test.sh

crash: ## 500 kill -9 under load on each engine; nothing may be lost or told twice
	@echo "==> 500 kills per engine; takes about half an hour"
	scripts/install-packages.sh build ocr postgres
	scripts/crash.sh 500

crash-deliveries: ## 1000 kill -9 on each engine, two nodes, PostgreSQL restarted, a full disk; KILLS=n for another number
	@echo "==> $(KILLS) kills per engine; 1000 take more than half an hour"
	scripts/install-packages.sh build ocr postgres
	scripts/crash.sh $(KILLS)

chaos-workflows: ## 10 000 workflow runs on two nodes that are killed and stopped, and a PostgreSQL that crashes; RUNS=n, FAULTS=n
	@echo "==> workflow runs under faults; takes less than half an hour, and says how far it is"
	scripts/install-packages.sh build postgres
	scripts/chaos-workflows.sh $(or $(RUNS),10000) $(or $(FAULTS),60)

hostile: ## documents made to break readers: each ends with the right code within its limits
	@echo "==> the hostile set"
	scripts/install-packages.sh build ocr
	cargo test --locked -p plextera --test hostile

fuzz: ## fuzz the readers, the candidates and the table finder; SECONDS_EACH=60
	@echo "==> fuzzing documents, $(SECONDS_EACH) s each; the compiler in use is enough"
	scripts/install-packages.sh build
	scripts/fuzz.sh documents "$(SECONDS_EACH)"

fuzz-workflows: ## fuzz the readers of workflow definitions and expressions; SECONDS_EACH=60
	@echo "==> fuzzing workflows, $(SECONDS_EACH) s each; the compiler in use is enough"
	scripts/install-packages.sh build
	scripts/fuzz.sh workflows "$(SECONDS_EACH)"

bench: ## measure speed and memory; DATA=folder adds accuracy on labelled documents
	@echo "==> speed and memory, release build"
	scripts/install-packages.sh build ocr bench
	cargo build --locked --release -p plextera -p bench -p corpus
	scripts/bench.sh $(if $(DATA),"$(DATA)")

bench-deliveries: ## deliveries: rates, CPU, latency, isolation, backlog on both engines; ARGS=--short for a quick look
	@echo "==> deliveries, release build; takes less than ten minutes"
	scripts/install-packages.sh build ocr postgres
	cargo build --locked --release -p plextera -p bench
	target/release/bench deliveries $(ARGS)

bench-workflows: ## workflow runs: steps, starts, first effect, nested runs, beside DBOS Transact; ARGS=--short for a quick look
	@echo "==> workflow runs, release build; takes less than ten minutes"
	scripts/install-packages.sh build ocr postgres python
	cargo build --locked --release -p plextera -p bench
	scripts/bench-workflows.sh $(ARGS)

bench-learning: ## how long a hub of 500 documents x 15 fields takes to learn a correction
	@echo "==> from a correction to the next document, release build"
	scripts/install-packages.sh build
	cargo run --locked --release -p insights --example learning

bench-insights: ## all goals of reading and learning beside what is reached, and peers; DATA=folder of labelled documents
	@echo "==> reading and learning on held-out documents, release build; less than 25 minutes"
	test -n "$(DATA)" || { echo "error: DATA=FOLDER names the labelled documents (invoices/, receipts/, forms/)" >&2; exit 2; }
	scripts/install-packages.sh build ocr bench python
	cargo build --locked --release -p plextera -p bench -p corpus
	cargo build --locked --release -p insights --example learning
	scripts/bench-insights.sh "$(DATA)"

accuracy-diagram: ## make the reliability diagram of docs/accuracy.md anew, from the frozen synthetic set
	@echo "==> the frozen synthetic set, release build"
	scripts/install-packages.sh build ocr
	cargo build --locked --release -p corpus
	scripts/accuracy-diagram.sh

schemathesis: ## drive the served OpenAPI with generated requests
	@echo "==> schemathesis against a running server"
	scripts/install-packages.sh build ocr python
	cargo build --locked -p plextera
	scripts/schemathesis.sh

fmt: ## format
	cargo fmt --all

lint: ## what CI refuses
	@echo "==> format, lints, documentation"
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

doctor: build ## what is missing on this machine
	$(PLEXTERA) doctor
