# Python 3.11 or newer and make are all this needs. Every target makes the environment first.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STORES ?= sqlite,postgresql
MODEL ?= edmx/industryData.xml
ARGS ?=

.PHONY: serve test check soak bench bench-peers test-clients
.DEFAULT_GOAL := serve

.venv: .venv/ready ;

.venv/ready: setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[postgresql,mysql,test]'
	touch $@

# Serve the sample tenant at http://127.0.0.1:8000/; `make serve ARGS='--port 8080'` for more.
serve: .venv
	$(BIN)/odata serve $(MODEL) $(ARGS)

# Lint, types, and all tests that need no root; with MariaDB installed `make test STORES=sqlite,postgresql,mariadb`.
test: check
	$(BIN)/pytest --numprocesses auto --quiet --store $(STORES) $(ARGS)

check: .venv
	$(BIN)/flake8 app tests benchmarks edmx wsgi.py
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/test_floors.py tests/test_docs.py

# The long forms of bounded tests: 25,000 generated cases and 20,000 modifications a store, 100,000 mutated models, load.
soak: .venv
	$(BIN)/pytest --numprocesses auto --quiet --soak -m soak --store $(STORES) $(ARGS)

# In-process times of every stage and case.
bench: .venv
	$(BIN)/python -m benchmarks.bench $(ARGS)

# Beside other OData servers; needs wrk, and a Go toolchain for the peer.
bench-peers: .venv
	$(BIN)/python -m benchmarks.peers $(ARGS)

# Real client libraries against a running service.
test-clients: .venv
	$(BIN)/pytest --quiet tests/clients $(ARGS)
