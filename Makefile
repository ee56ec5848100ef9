STACK ?= tni
OUTPUT ?= text
SIZES ?= 10 100
LATENCY ?= 0
# Twice the cores: a test often waits for a server. tests/conftest.py puts first what takes longest.
WORKERS ?= 4
BY_FILE = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
PYTHON ?= python3
WORKFLOWS := $(wildcard .github/workflows/*.yml examples/onboarding-repository/.github/workflows/*.yml)

# Looked up when a recipe runs, so that `make help` needs no Python.
python = $(if $(shell command -v $(PYTHON)),$(PYTHON),$(error $(PYTHON) was not found: install Python 3.11 or newer, or name yours, as in make PYTHON=python3.12))
$(if $(filter-out postgres,$(BACKEND)),$(error BACKEND is postgres, or left out))
# What a person does after make up, also of the stack at whose portal people click.
next = make demo, which lets an application post a notification and a dossier
next_by-hand = make operator STACK=by-hand, which carries out the orders, then make up STACK=by-hand
in_environment = eval "$$($(python) -m toolchain.environment)" &&

.DEFAULT_GOAL := help
.PHONY: help up operator demo story tour keycloak postgres down clean distclean shell env ready venv engine random-plugin lock lint typecheck contracts checks test tests coverage test-keycloak test-exhaustive test-unit test-lowest defects ports bench schema repository actionlint lint-workflows

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ready $(filter keycloak,$(STACK))  ## Bring the environment up and show its table (STACK=tni BACKEND=postgres)
	@$(in_environment) acmidm sandbox start --stack $(STACK) \
		&& pulumi stack select --create $(STACK) && acmidm deploy --stack $(STACK) && acmidm status --stack $(STACK)
	@echo "Next: $(or $(next_$(STACK)),$(next)); or add a scope to a form in onboardings/,"
	@echo "then make shell, and in it: pulumi preview --stack $(STACK) --diff"

operator: ready  ## Play the people at a portal without an API: carry out all orders, and confirm them (STACK=by-hand)
	@$(in_environment) python -m tests.support.carry_out_orders $(STACK)

demo: ready  ## Let an application fetch a token, post a notification and a dossier, and read its result, in a scratch repository
	@$(in_environment) python -m story --only "An application"

story: ready  ## Tell the stories of docs/tour.md, in scratch Git repositories
	@$(in_environment) python -m story

tour: ready  ## Write anew in docs/tour.md what the commands of its stories say
	@$(in_environment) python -m story --write

keycloak: ready  ## Start a real Keycloak with its realm, then make up STACK=keycloak (KEYCLOAK_VERSION=26.7.3)
	@$(in_environment) python -m tests.support.keycloak_server keycloak

postgres:  ## Start a PostgreSQL for the state, then make up BACKEND=postgres; shell, deploy and all others likewise
	@$(python) -m toolchain.postgres

ports:  ## Move this clone's sandbox to other ports, beside another clone's (OFFSET=100)
	@$(python) -m toolchain.ports $(OFFSET)

down:  ## Stop the authorities and PostgreSQL, keep their data
	@[ ! -x .venv/bin/acmidm ] || .venv/bin/acmidm sandbox stop
	@[ ! -d .local/postgres ] || $(python) -m toolchain.postgres stop

clean: down  ## Forget all environments, keep the engine and the packages
	@toolchain/clean

distclean: clean  ## Forget everything that was made in this clone
	@rm -rf .local .venv *.egg-info .*_cache .hypothesis .coverage .coverage.* htmlcov

shell: ready  ## Open a shell in which pulumi and acmidm work on this clone
	@$(python) -m toolchain.environment shell

env: ready  ## Print what that shell has: eval "$(make -s env)"
	@$(python) -m toolchain.environment

ready: $(BACKEND)
	@$(MAKE) --no-print-directory -j2 venv engine

venv:  ## Install the Python packages into .venv, and compile the translations
	@$(python) -m toolchain.install_venv

engine:  ## Find or build the Pulumi engine
	@$(python) -m toolchain.install_engine

random-plugin: engine  ## Install Pulumi's random plugin, for forms with a client secret
	@$(python) -m toolchain.install_random

lock:  ## Pin the requirements to their newest versions (needs uv)
	@toolchain/lock

bench: ready  ## Measure the project beside what it cannot do without (SIZES="10 100 300 1000" LATENCY="0 20 100")
	@$(in_environment) python -m bench --sizes $(SIZES) --latency $(LATENCY)

schema: venv  ## Write what is made from the code: schemas for editors, CODEOWNERS, pages of the docs, sentences to translate
	@.venv/bin/python -m toolchain.translations update && .venv/bin/acmidm schema && .venv/bin/python -m story.tables

repository: venv  ## Make a repository of forms beside this one, with the tool as a wheel (FOLDER=../aansluitingen OFFSET=100)
	@$(python) -m toolchain.make_repository "$(FOLDER)" "$(OFFSET)"

actionlint:
	@$(python) -m toolchain.install_actionlint

lint-workflows: venv actionlint  ## Check the workflows, those of a repository of forms too
	@[ ! -x .local/engine/actionlint ] || .local/engine/actionlint $(WORKFLOWS)
	@.venv/bin/zizmor --offline --quiet --persona pedantic $(WORKFLOWS)

lint: venv  ## Check style
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

typecheck: venv  ## Check types
	.venv/bin/mypy

contracts: venv  ## Check which room may import which
	.venv/bin/lint-imports

checks: lint lint-workflows typecheck contracts  ## Check style, types, workflows and imports

# The checks first: whoever waits learns at once what they find.
ifdef ROOM
test: ready
	@$(in_environment) files=$$(python -m tests.support.rooms "$(ROOM)") && pytest $$files $(BY_FILE)
else
test: ready random-plugin  ## Run the checks, and the tests of each change; or those of what stands on one room (ROOM=forms)
	@$(MAKE) --no-print-directory checks
	@$(MAKE) --no-print-directory tests
endif

# A machine that keeps no bytecode would have each process compile all that it imports: twice the time for workers to find their tests.
test tests test-unit test-lowest coverage test-keycloak test-exhaustive: export PYTHONDONTWRITEBYTECODE :=

tests:
	@$(in_environment) pytest tests -m "not exhaustive and not keycloak" $(BY_FILE) --durations 10

coverage: ready random-plugin  ## Run all tests, and count the lines that ran: in the engine's, providers' and servers' processes too
	@$(in_environment) pytest tests -m "exhaustive or not exhaustive" $(BY_FILE) --cov

# Another version than the pinned one, on which all tests ran: here the adapter's own, and one stack.
# Lost answers and kills are no matter of its version, and a worker takes as long to start as ten tests.
test-keycloak: export KEYCLOAK_VERSION ?= 26.4.0
test-keycloak: WORKERS = 2
test-keycloak: ready random-plugin  ## Run the adapter's tests and one stack on a second Keycloak (KEYCLOAK_VERSION=26.4.0)
	@$(in_environment) pytest tests/authorities/keycloak tests/conformance/test_port.py tests/end_to_end/keycloak/test_stacks.py::test_from_the_first_run_to_the_last --authority keycloak $(BY_FILE)

defects: ready  ## Put defects into each adapter, and count which of them tests/conformance finds
	@$(in_environment) python -m tests.conformance.defects

# Files that have some: each worker would else import and collect ten times as many tests.
test-exhaustive: ready random-plugin  ## Run what takes too long for each change: Keycloak, kills, long sequences, the wheel
	@$(in_environment) pytest $$(grep -rliE --include 'test_*.py' 'mark\.exhaustive|keycloak|administrator|conformance' tests) -m "exhaustive or keycloak" $(BY_FILE) --durations 10
	@$(MAKE) --no-print-directory test-keycloak

# They write half a gigabyte of small files: in memory that takes two thirds of the system's time.
in_memory = $(if $(shell [ "$$(df -Pk /dev/shm 2>&1 | awk 'END { print $$4 + 0 }')" -lt 2000000 ] || echo is there),TMPDIR=/dev/shm)
UNIT_TESTS := tests --ignore tests/end_to_end -m "not exhaustive and not tool" $(BY_FILE)

test-unit: venv  ## Run the tests that start no process but Git's: after each edit
	@$(in_memory) .venv/bin/pytest $(UNIT_TESTS)

test-lowest:  ## Run those on the lowest versions of the packages that pyproject.toml allows
	@$(python) -m toolchain.install_lowest
	@$(in_memory) .local/lowest/bin/pytest $(UNIT_TESTS)
