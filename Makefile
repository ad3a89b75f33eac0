# `make demo`, `make test` and `make tour` do all the set-up themselves, in .venv.

PYTHON ?= python3
DEMO_ARGS ?=
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test coverage tour chaos clean

demo: $(INSTALLED)
	$(BIN)/ltemlive demo $(DEMO_ARGS)

# Without Qt's system libraries pytest-qt cannot even start.
test: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	@if $(BIN)/python -c 'import PySide6.QtWidgets' 2>/dev/null; then without_qt=; \
	  else without_qt='-p no:pytest-qt --ignore=tests/gui'; \
	    echo 'Qt cannot start here, its tests are left out: see ltemlive doctor'; fi; \
	  QT_QPA_PLATFORM=offscreen \
	  $(BIN)/pytest -n 2 --dist loadfile --no-cov $$without_qt

# Apart from the tests: to follow every branch takes a quarter as long again.
coverage: $(INSTALLED)
	QT_QPA_PLATFORM=offscreen 	  $(BIN)/pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered

# The pictures of docs/tour.md, anew: the demo is recorded, replayed and looked at.
tour: $(INSTALLED)
	QT_QPA_PLATFORM=offscreen $(BIN)/python docs/tour.py

# Real processes killed at fifty instants, a window looked at for hours, and whatever else
# takes long to break.
chaos: $(INSTALLED)
	$(BIN)/pytest --no-cov -p no:pytest-qt -m 'chaos or not chaos' tests/chaos \
	  tests/gui/test_endurance.py

# Debian keeps what fills a new environment in python3-venv. Where only python3-pip is
# there, that pip fills it from outside.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo 'ltemlive needs Python 3.11 to 3.13; remedy: make PYTHON=python3.11'; exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv .venv; \
	  elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	    $(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --python .venv install pip; \
	  else echo 'no pip and no venv here; remedy: apt install python3-venv'; exit 1; fi
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv build dist .coverage demo-output
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find ltemlive simulator tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
