# Two commands: `make up` runs the main job, `make test` passes the tests. A second run installs nothing.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
INSTALLED := .venv/.installed
# Tests and measurements keep the environments of KServe and MLServer here, so that they are installed once.
export INFERSTACK_TEST_ENVIRONMENTS ?= $(CURDIR)/.venv/platforms

.PHONY: up test check bench lock clean

up: $(INSTALLED)
	@.venv/bin/inferstack up environments/local.yaml

test: $(INSTALLED)
	@.venv/bin/pytest

check: $(INSTALLED)
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports

bench: $(INSTALLED)
	@.venv/bin/python -m tests.performance

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "inferstack needs Python 3.11 or newer; this is %s. Set PYTHON=..." % sys.version.split()[0])'
	@echo "Installing what requirements.lock pins into .venv (once, about two minutes) ..."
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@.venv/bin/python -m compileall -q schemas components stack
	@touch $@

# After a change of pyproject.toml: pins everything anew, for every platform at once.
lock:
	uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes --no-annotate --no-header -q pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q -c requirements.lock components/image/requirements.in -o components/image/requirements.lock

clean:
	rm -rf .venv
