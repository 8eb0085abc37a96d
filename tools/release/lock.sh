#!/bin/sh
# Lock the environment of the tests, for all systems and Pythons, with hashes: .github/test-lock.txt.
set -eu
cd "$(dirname "$0")/../.."
out=.github/test-lock.txt
uv=${UV:-.venv-release/bin/uv}

echo torch==2.13.0 >"$out.only" # the version that tools/setup.sh installs
{
  echo "# The packages with which CI tests, for all systems and Pythons. \`make lock\` writes this file."
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-annotate --extra test --extra pyqt6 --constraint "$out.only" pyproject.toml
} >"$out.new"
rm "$out.only"
mv "$out.new" "$out"
