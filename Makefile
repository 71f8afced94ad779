# Pinward: `make demo` shows it, `make test` proves it. Everything else is a part of those two.

DEMO_PORT ?= 8000
DEMO_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
export PATH := $(CURDIR)/.venv/bin:$(PATH)

PAGE_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print)

.PHONY: help demo demo-stop test check format bench pages install install-test lock audit clean

help:
	@echo "make demo       the demo city on http://127.0.0.1:$(DEMO_PORT) (Ctrl-C stops it)"
	@echo "make demo-stop  stop a demo left running by DEMO_ARGS=--exit-when-ready"
	@echo "make test       everything, from nothing"
	@echo "make check      lint, types, import rules: quick"
	@echo "make bench      the measures, as ratios within one run"
	@echo "make audit      known vulnerabilities of what we use (asks the internet)"

install:
	@deploy/install.sh

install-test:
	@deploy/install.sh test

demo: install pages
	@exec pinward demo --port $(DEMO_PORT) $(DEMO_ARGS)

demo-stop: install
	@pinward demo-stop

pages: web/dist/index.html

web/dist/index.html: $(PAGE_SOURCES) | install
	@cd web && npm ci --silent --no-audit --no-fund && npm run build --silent
	@touch $@

test: install-test pages
	$(MAKE) --no-print-directory check
	pytest -n 2 --dist loadfile $(PYTEST_ARGS)

check: install-test
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: install-test
	ruff check --fix .
	ruff format .

bench: install-test
	@python benchmarks/run.py $(BENCH_ARGS)

lock: install-test
	uv pip compile --universal --generate-hashes --all-extras --python-version 3.11 \
		--no-emit-index-url --no-header -q pyproject.toml -o requirements.lock

# Asks public databases of known vulnerabilities, so it needs the internet: for a nightly job.
audit: install
	uvx --from pip-audit pip-audit --strict --require-hashes --disable-pip -r requirements.lock
	cd web && npm audit --omit=dev

clean:
	rm -rf .venv web/node_modules web/dist
