# The verbs a person types. `make help` lists them; meson and ninja do the work.
PYTHON := $(firstword $(wildcard /usr/bin/python3) python3)
FUZZ_SECONDS ?= 120
BENCH ?= table
SEED ?= 1
PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := all
.PHONY: all run test check fuzz bench fixtures differential install docs breaks clean help

all:  ## build build/roost
	@tools/install.sh build
	@[ -f build/build.ninja ] || meson setup build >/dev/null
	@ninja -C build --quiet

run: all  ## a demo server on loopback, with a demo account; says what to type next
	@tools/install.sh run
	@tools/demo.sh

test:  ## all tests: units, sanitizers, dialogues, end to end, a little fuzzing
	@tools/install.sh test
	@tools/users.sh
	@$(PYTHON) tools/run_tests.py

check:  ## the quick gate: format, layers, sizes, headers, house rules
	@tools/install.sh check
	@$(PYTHON) tools/tidy.py
	@$(PYTHON) tools/rfcxref.py --check
	@$(PYTHON) tools/conformance.py --check
	@echo "check: all is well"

fuzz:  ## every fuzz harness for FUZZ_SECONDS (120) each
	@tools/install.sh fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(PYTHON) tools/fuzz.py run

bench: all  ## the table beside Dovecot and Cyrus; BENCH="scale --messages 100000" runs another one
	@tools/install.sh bench
	@tools/users.sh
	@set -e; set -- $(BENCH); name=$$1; shift; $(PYTHON) bench/$$name.py "$$@"

differential: all  ## the same mail and questions to Roost, Dovecot and Cyrus: what differs
	@tools/install.sh differential
	@tools/users.sh
	@$(PYTHON) test/differential/compare.py

fixtures: all  ## account directories that later versions must open (NAME=0.2.0)
	@build/test/accounts/make_accounts test/fixtures/accounts/$(NAME)

install: all  ## binary, manual page and units below PREFIX (/usr/local), DESTDIR before it
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" tools/place.sh

docs:  ## docs/rfc.md and docs/conformance.md from the citations in code and tests
	@$(PYTHON) tools/rfcxref.py
	@$(PYTHON) tools/conformance.py

breaks: ## breaks 50 places that docs/conformance.md names (SEED=1), one by one: tests must fail
	@$(PYTHON) tools/conformance.py --break 50 --seed $(SEED)

clean:  ## remove everything that was built
	rm -rf build build-asan build-fuzz build-break build-coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | sed 's/^make all|/make|/' | \
	    while IFS='|' read -r verb what; do printf '%-13s %s\n' "$$verb" "$$what"; done
