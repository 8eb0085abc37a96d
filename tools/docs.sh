#!/bin/sh
# Build the documentation's site: docs.sh SITE. Any warning is an error.
# DOCS_VENV names the environment with docs/requirements.txt, which is created if it is missing.
set -eu
mkdir -p "$1"
site=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
folder=${DOCS_VENV:-.venv-docs}
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT

[ -x "$folder/bin/pip" ] || python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --requirement docs/requirements.txt
"$folder/bin/python" tools/site_pages.py "$pages"
NO_MKDOCS_2_WARNING=1 SITE_PAGES=$pages \
  "$folder/bin/mkdocs" build --strict --quiet --config-file mkdocs.yml --site-dir "$site"
echo "$site/index.html"
