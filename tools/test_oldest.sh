#!/bin/sh
# Install the lowest versions that pyproject.toml allows (.github/oldest.txt), and test with them.
# Tests of extras that are not installed are skipped and named. Arguments go to pytest.
# Needs python3.11 (or PYTHON), with which all these versions have wheels, and about 7 GB of disk.
set -eu
cd "$(dirname "$0")/.."
folder=${OLDEST_VENV:-.venv-oldest}

[ -x "$folder/bin/pip" ] || "${PYTHON:-python3.11}" -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check \
  --constraint .github/oldest.txt --editable ".[distributed,formats,onnx,pyqt6,test-base]"
"$folder/bin/pip" list --disable-pip-version-check
# left out: an old torch exports some networks for one image size only, and reports other errors;
# an old Triton cannot be tuned, and multiplies no matrices with less than 16 rows
exec "$folder/bin/python" -m pytest --numprocesses logical --maxprocesses 4 --ignore tests/onnx \
  --ignore tests/engine/backends/test_compiled.py --ignore tests/engine/backends/test_trial.py \
  --ignore tests/benchmarks/gpu/test_tune.py --ignore tests/kernels/test_mixed_rows.py \
  --deselect tests/graph/test_meta_shapes.py::test_arguments_that_do_not_fit_are_left_to_torch_which_raises \
  "$@"
