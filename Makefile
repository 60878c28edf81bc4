# Every target is self-contained: it makes .venv and installs the pinned packages when they are not there yet.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python

.PHONY: help demo up test test-faults simulate check bench bench-full fuzz pure pictures locale conformance-federation conformance-oidc clean
help:
	@echo "make demo   play three authorities, phones and gates on this machine; report in var/demo/report.html"
	@echo "make up     keep that world running and print its addresses and logins (Ctrl-C ends it)"
	@echo "make test   every test          make check  style, types, import contracts (never edits)"
	@echo "make test-faults  kill workers and brokers over 500 face jobs on each broker that is installed"
	@echo "make simulate  a year of three authorities with every fault; SEED= TRAVELLERS= CROSSINGS= DAYS= for another one"
	@echo "make bench  measure; ONLY=gate for one part      make fuzz   longer property tests"
	@echo "make conformance-federation  foreign resolvers and the OpenID Foundation's modules judge two nodes"
	@echo "make conformance-oidc        foreign clients and the OpenID Foundation's modules judge an OpenID provider"
	@echo "make pictures  take the pictures of docs/admin.md again"
	@echo "make clean  remove .venv and var"

demo: .venv/.runtime
	@$(RUN) -m idp.demo play

up: .venv/.runtime
	@$(RUN) -m idp.demo up

# The core and the gate are tested once, in an environment without Django; what of them needs a browser, with the others.
# The judges' modules are tested by their own targets.
GATE := tests/protocol tests/checkpoint
test: .venv/.dev .venv-gate/.installed
	$(RUN) -m pytest -n 2 --dist loadfile -q -m "not e2e and not browser and not conformance and not faults" $(GATE:%=--ignore=%)
	$(RUN) -m pytest -n 2 --dist loadfile -q -m "browser and not e2e"
	$(RUN) -m pytest -q -m "(e2e or faults) and not conformance"
	$(RUN) -m tests.postgresql -n 2 --dist loadfile -q
	.venv-gate/bin/python -m pytest -c tests/gate.ini -q -n 2 $(GATE) tests/biometrics/engine

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) -m pytest -q tests/architecture
	DEBUG=1 INSECURE_LOOPBACK_HTTP=1 CAUSEWAY_DATA_DIR=var/check CAUSEWAY_ENTITY_ID=http://hk.localhost:8002 \
	  $(RUN) manage.py makemigrations --check --dry-run

# Peers that some parts measure beside us, in environments of their own. The part "token" needs PostgreSQL, too.
PEER_federation := .venv-conformance/.installed
PEER_token := .venv-bench/.installed
PEERS := $(if $(ONLY),$(PEER_$(ONLY)),$(PEER_federation) $(PEER_token))

bench: .venv/.dev $(PEERS)
	$(RUN) -m bench $(ONLY)

bench-full: .venv/.dev $(PEERS)
	$(RUN) -m bench --full $(ONLY)

# Workers and brokers are killed over 500 jobs: one line for each broker, some five minutes each. JOBS=n for another number.
test-faults: .venv/.dev
	@$(RUN) -m tests.faults.run --jobs $(or $(JOBS),500)

# 100,000 crossings; report and plots in var/simulate. Its last line ends in zeros, or its exit status is not one.
simulate: .venv/.dev
	@$(RUN) -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(TRAVELLERS),--travellers $(TRAVELLERS)) \
	  $(if $(CROSSINGS),--crossings $(CROSSINGS)) $(if $(DAYS),--days $(DAYS))

fuzz: .venv/.dev
	HYPOTHESIS_PROFILE=fuzz $(RUN) -m pytest -n 2 -q -m "not e2e and not browser" tests/protocol tests/openapi

# Last line: "N passed, 0 failed"; report: var/conformance/federation.json. After the first time it needs no network.
conformance-federation: .venv/.dev .venv-conformance/.installed
	@$(RUN) -m tests.conformance.run federation

# Last line: "N passed, 0 failed"; report: var/conformance/oidc.json. After the first time it needs no network.
conformance-oidc: .venv/.dev .venv-conformance/.installed
	@$(RUN) -m tests.conformance.run oidc

# The pictures of docs/admin.md, from the tests that look at these pages.
PICTURES := $(shell sed -n 's|.*(images/\(.*\)\.png).*|\1|p' docs/admin.md)
pictures: .venv/.dev
	@rm -rf var/pictures && mkdir -p var/pictures
	CAUSEWAY_SCREENSHOTS=var/pictures $(RUN) -m pytest -q -m browser tests/office tests/federation/recognition tests/oidc/trying \
	  tests/border/configuring tests/border/test_parties_in_browser.py tests/border/test_uses_in_browser.py \
	  tests/accounts/appointing tests/biometrics/test_thresholds_in_browser.py --deselect tests/office/test_accessible.py
	cp $(PICTURES:%=var/pictures/%.png) docs/images/

locale: .venv/.dev
	$(RUN) locale/update.py

clean:
	rm -rf .venv .venv-gate .venv-conformance .venv-bench var .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# uv installs the set in seconds; pip does the same where uv is not to be had. --no-deps: the lists are complete.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed (PYTHON=... make)")'
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	@$(1)/bin/python -m uv --version >/dev/null 2>&1 || $(1)/bin/python -m pip install --quiet uv || true
	@if $(1)/bin/python -m uv --version >/dev/null 2>&1; \
	  then $(1)/bin/python -m uv pip install --quiet --compile-bytecode --python $(1)/bin/python --no-deps $(2); \
	  else $(1)/bin/python -m pip install --quiet --no-deps $(2); fi
endef

.venv/.runtime: requirements.txt $(wildcard locale/*/LC_MESSAGES/django.po)
	$(call install,.venv,-r requirements.txt)
	@$(BIN)/pybabel --quiet compile -D django -d locale
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	$(call install,.venv,-r requirements-dev.txt)
	@touch $@

# What a gate needs and nothing else: the tests of the pure core and of the gate pass without Django.
.venv-gate/.installed: requirements-gate.txt requirements-dev.txt
	@grep -hE '^(pytest|pytest-xdist|execnet|hypothesis|iniconfig|pluggy|pygments|sortedcontainers)==' \
	  requirements.txt requirements-dev.txt > .gate-dev.txt
	$(call install,.venv-gate,-r requirements-gate.txt -r .gate-dev.txt)
	@rm -f .gate-dev.txt
	@touch $@

# The foreign judges: those from PyPI, each in an environment of its own, and those from npm (with Node from PyPI where it
# is missing or old).
JUDGES := tests/conformance/judges/package.json tests/conformance/judges/package-lock.json \
  tests/conformance_oidc/judges/idpyoidc.txt tests/conformance_oidc/judges/authlib.txt
.venv-conformance/.installed: requirements-conformance.txt tests/conformance/install.py $(JUDGES)
	$(call install,.venv-conformance,-r requirements-conformance.txt)
	$(call install,.venv-conformance/idpyoidc,-r tests/conformance_oidc/judges/idpyoidc.txt)
	$(call install,.venv-conformance/authlib,-r tests/conformance_oidc/judges/authlib.txt)
	@.venv-conformance/bin/python tests/conformance/install.py
	@touch $@

# Peers of the part "token" of the bench: one from PyPI, one from npm with a Node from PyPI.
.venv-bench/.installed: requirements-bench.txt bench/peers/install.py
	$(call install,.venv-bench,-r requirements-bench.txt)
	@.venv-bench/bin/python bench/peers/install.py
	@touch $@
