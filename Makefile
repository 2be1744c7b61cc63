# Everything sets itself up from python3, python3-venv and make; nothing else is assumed to be installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# pyvips comes as source. Where Debian's libvips-dev is installed its build would link that old libvips and overwrite
# the one of pyvips-binary, so the build is kept from finding it.
PIP_INSTALL := PKG_CONFIG_LIBDIR=/nonexistent $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: install run test crash soak check format bench-setup lock clean

install: $(VENV)/.run

run: install
	$(BIN)/imgsvc samples
	exec $(BIN)/imgsvc serve

test: $(VENV)/.dev
	$(BIN)/python -m pytest

# kill -9 of everything, ten times in the midst of 300 changes; `make test` has a shorter one.
crash: $(VENV)/.dev
	CRASH_ROUNDS=10 CRASH_CHANGES=300 $(BIN)/python -m pytest -n 0 -s tests/system/test_crash.py

# Everything at once for ten minutes, or SOAK_SECONDS; `make test` has a short one.
soak: $(VENV)/.dev
	$(BIN)/python -m pytest -n 0 -s -m soak tests/soak

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# What benchmarks.quality needs and nothing else does.
bench-setup: $(VENV)/.bench

$(VENV)/.venv:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.run: $(VENV)/.venv requirements.lock pyproject.toml
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-deps -e .
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	touch $@

$(VENV)/.bench: $(VENV)/.run requirements-bench.lock
	$(PIP_INSTALL) --require-hashes -r requirements-bench.lock
	touch $@

# Needs uv; everything else does not.
lock:
	uv pip compile --universal --generate-hashes --no-header --no-annotate -q -o requirements.lock pyproject.toml
	uv pip compile --universal --generate-hashes --no-header --no-annotate -q --group dev -c requirements.lock \
		-o requirements-dev.lock pyproject.toml
	uv pip compile --universal --generate-hashes --no-header --no-annotate -q --group bench -c requirements.lock \
		-o requirements-bench.lock pyproject.toml

clean:
	rm -rf $(VENV) build imgsvc.egg-info
