# make demo: set up, then upscale a sample in napari (in a virtual display if there is none)
# make test: set up, then check style and types, and run all tests
# make test-kernels: without a GPU, compile every kernel for every supported GPU and rehearse benchmarks/first_gpu.py; about ten minutes
# make test-oldest: test with the lowest versions that pyproject.toml allows; needs python3.11, 7 GB of disk
# make release-check: build the release from a clean clone, and use it in fresh environments; 10 GB of disk
# make lock: write .github/test-lock.txt, the versions and hashes with which CI tests
# make docs: build the documentation's site in site/
# make pictures: draw the pictures of docs/ again, in a virtual display
# make lint, make types, make unit: check only style, check only types, run only the tests

BIN := .venv/bin
# let waiting threads sleep instead of spinning, which would starve the others on two busy cores
export OMP_WAIT_POLICY := passive
# let Python keep compiled modules where a container forbids it: else each test process compiles all
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-kernels test-oldest release-check lock docs pictures lint types unit clean

.venv/ready: pyproject.toml hatch_build.py tools/setup.sh
	sh tools/setup.sh

demo: .venv/ready
	$(BIN)/python -m napari_sr.demo

test: lint types unit

lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/ready
	$(BIN)/mypy

unit: .venv/ready
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4

test-kernels: .venv/ready
	$(BIN)/python benchmarks/gpu/compile_gate.py
	$(BIN)/python benchmarks/first_gpu.py --dry --write .first-gpu-dry

test-oldest:
	sh tools/setup.sh system
	sh tools/test_oldest.sh

.venv-release/ready: tools/release/requirements.txt
	python3 -m venv .venv-release
	.venv-release/bin/pip install --quiet --disable-pip-version-check --requirement tools/release/requirements.txt
	touch $@

release-check: .venv-release/ready
	sh tools/setup.sh system
	sh tools/release/check.sh

lock: .venv-release/ready
	sh tools/release/lock.sh

docs:
	sh tools/docs.sh site

pictures: .venv/ready
	xvfb-run -a -s "-screen 0 1366x1200x24" $(BIN)/python tools/draw_pictures.py

clean:
	rm -rf .venv .venv-oldest .venv-release .venv-docs site demo-output .first-gpu-dry .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
