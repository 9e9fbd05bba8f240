# Everything is done in .venv. A stamp in it marks each group of packages that is installed, so only
# the first run of a target, and the first after a change of pyproject.toml, takes its time.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
# More arguments for pytest, such as the seed of an earlier run's order: PYTEST_ARGS=--randomly-seed=1
# For a part of the tests use .venv/bin/pytest: a part does not reach the limits of coverage.
PYTEST_ARGS ?=
# The tests that share a broker stay on one worker. Those with brokers wait most of the time, so one
# worker more than the two for tests that compute has something to do.
COMPUTING ?= --numprocesses=2
WAITING ?= --numprocesses=3 --dist=loadgroup

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo generate check diff docs test coverage fuzz bench types lint format build clean broker

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/lint ## create .venv with everything that development needs

demo: $(STAMPS)/demo ## regenerate the protocol code, then watch connections being made and lost
	@$(RUN) -m codegen generate
	@$(RUN) -m amqpconn.testing.demo

generate: $(STAMPS)/codegen ## write generated/ from spec/
	@$(RUN) -m codegen generate

check: $(STAMPS)/codegen ## fail when generated/ is not what spec/ and codegen/ make
	@$(RUN) -m codegen check

# make ends with 2 for a breaking change and for a bad file alike; `python -m codegen diff` tells them
# apart by its exit status. Its options go into DIFF_ARGS: make diff ... DIFF_ARGS=--breaking-only
diff: $(STAMPS)/codegen ## tell what a specification breaks: make diff OLD=v0_9_1 NEW=new.xml
	@test -n "$(OLD)" -a -n "$(NEW)" || \
	    { echo "name two versions or files: make diff OLD=v0_9_1 NEW=spec/amqp0-9-1.xml"; exit 2; }
	@$(RUN) -m codegen diff $(DIFF_ARGS) "$(OLD)" "$(NEW)"

docs: $(STAMPS)/codegen ## write the pages in docs/ that come from the code
	@PYTHONPATH=. $(RUN) docs/make.py

# Two runs, because to trace takes as long again as to test: only the tests of the parts whose
# coverage is held to a limit are traced.
TRACED := codegen core
test: $(STAMPS)/test broker ## run all tests, and hold the coverage of codegen and core to its limits
	@$(RUN) -m pytest $(COMPUTING) --cov --cov-report= $(PYTEST_ARGS) $(TRACED:%=tests/%)
	@$(MAKE) --no-print-directory coverage
	@$(RUN) -m pytest $(WAITING) $(PYTEST_ARGS) $(TRACED:%=--ignore=tests/%)

# Coverage-guided fuzzing of everything that reads what others wrote: make fuzz SECONDS=600, and
# TARGETS="client url" for some of it. .fuzz keeps the corpus that grows, and what was found.
SECONDS ?= 60
fuzz: $(STAMPS)/fuzz ## search for inputs that break us, for SECONDS=60 in all
	@PYTHONPATH=.:generated $(RUN) -m tests.fuzz --seconds $(SECONDS) $(TARGETS)

# A quick look, or some of it, or the report once more from what was measured last:
# make bench BENCH_ARGS="--quick", BENCH_ARGS="--only codec,idle", BENCH_ARGS="--again"
BENCH_ARGS ?=
bench: $(STAMPS)/bench broker ## measure us beside other libraries, and write docs/speed.md (12 minutes)
	@test -e /usr/include/amqp.h && command -v gcc >/dev/null || \
	    $(call apt,gcc libc6-dev librabbitmq-dev)
	@PYTHONPATH=.:generated $(RUN) -m tests.bench $(BENCH_ARGS)

# Each part is held to its own limit, so one cannot pay for another. It reports what the last
# `make test` measured.
coverage: $(STAMPS)/test ## report coverage; fail below 100 % of branches in codegen and amqpconn/core
	@for part in codegen amqpconn/core; do \
	    echo "coverage of $$part, which must be complete:"; \
	    $(RUN) -m coverage report --include="$$part/*" --fail-under=100 || exit 1; \
	done

types: $(STAMPS)/lint ## mypy --strict over all Python, the generated too
	@$(RUN) -m mypy

lint: $(STAMPS)/lint ## ruff, and black's opinion of the format
	@$(RUN) -m ruff check .
	@$(RUN) -m black --check --quiet . || { $(RUN) -m black --check .; exit 1; }

format: $(STAMPS)/lint ## apply black and ruff's safe repairs
	@$(RUN) -m ruff check --fix-only --quiet .
	@$(RUN) -m black --quiet .

build: $(STAMPS)/test ## make the sdist and the wheel in dist/
	@$(RUN) -m build --no-isolation --outdir dist

clean: ## remove .venv, dist/ and all caches
	rm -rf $(VENV) dist .bench htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian's python3 comes without the parts that make an environment; they are in python3-venv.
$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "amqpconn needs Python 3.11 or newer: install it, or name it with make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call apt,python3-venv)
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install -qq 'pip>=25.1'
	@mkdir -p $(STAMPS) && touch $@

# pip installs the groups of pyproject.toml; the package itself is installed as a link to this folder.
# A group that contains others has installed them too.
demo-contains := codegen
test-contains := demo codegen
lint-contains := test demo codegen
fuzz-contains := test demo codegen
bench-contains := test demo codegen
$(STAMPS)/%: $(STAMPS)/venv pyproject.toml
	@echo "installing what '$*' needs into $(VENV)"
	@$(RUN) -m pip install -qq --editable . --group $*
	@touch $(addprefix $(STAMPS)/,$* $($*-contains))

# Debian may start a broker of its own when the package is installed. No test talks to that one:
# they start theirs, on ports and folders of their own.
broker:
	@test -x /usr/lib/rabbitmq/bin/rabbitmq-server -a -d /usr/share/amqp/specs || \
	    $(call apt,rabbitmq-server amqp-specs)

# $(call apt,PACKAGES): install them if we may; if not, say what to do. Tests that miss a package
# say so themselves, so only a missing python3-venv ends the run here.
define apt
{ if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
      echo "installing $(1) with apt-get"; \
      log=$$(mktemp); \
      { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(1); } \
          >"$$log" 2>&1 || { cat "$$log"; rm "$$log"; exit 1; }; rm "$$log"; \
  else \
      echo "missing: run 'apt-get install $(1)' as root, or install the same by your system's means"; \
      test "$(1)" != python3-venv; \
  fi; }
endef
