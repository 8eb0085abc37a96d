# make demo: set up, then upscale a sample in napari (in a virtual display if there is none)
# make test: set up, then lint, types and all tests
# make test-kernels: compile every kernel for every supported GPU, and rehearse the first run on a GPU; needs no GPU; some ten minutes
# make pictures: draw the pictures of docs/ anew, in a virtual display
# make lint, make types, make unit: one of these alone

BIN := .venv/bin
# waiting threads sleep instead of spinning; otherwise two busy cores would make no progress
export OMP_WAIT_POLICY := passive

.PHONY: demo test test-kernels pictures lint types unit clean

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

pictures: .venv/ready
	xvfb-run -a -s "-screen 0 1366x1200x24" $(BIN)/python tools/draw_pictures.py

clean:
	rm -rf .venv demo-output .first-gpu-dry .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
