#!/bin/sh
# Build the release from a clean clone of HEAD, and check it as a stranger would use it.
# Writes dist/packages (wheel, sdist) and dist/release (licences, SBOM, recipe, notes, docs).
# TAG, if set, must be "v" and the package's version. PYTHONS: see try_wheel.sh.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
out=$root/dist
bin=$root/.venv-release/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n==== %s\n' "$*"; }

say "a clean clone of $(git rev-parse --short HEAD)"
git clone --quiet . "$work/clone"
cd "$work/clone"
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/napari_sr/__init__.py)
[ -z "${TAG-}" ] || [ "$TAG" = "v$version" ] || {
  echo "the tag is $TAG, but the version in src/napari_sr/__init__.py is $version" >&2
  exit 1
}

say "workflows"
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$bin/zizmor" --offline --no-progress --min-severity medium .github/workflows

say "build $version"
rm -rf "$out"
mkdir -p "$out/release"
"$bin/python" -m build --outdir "$out/packages" .
"$bin/twine" check --strict "$out"/packages/*
"$bin/python" tools/release/check_artefacts.py "$out/packages"
"$bin/python" tools/release/notes.py "$version" ${TAG:+--dated} >"$out/release/notes.md"

say "recipe for conda-forge"
"$bin/python" tools/release/recipe.py "$out"/packages/*.tar.gz "$out/release"

say "install the wheel, import, upscale, open the form"
CYCLONEDX="$bin/cyclonedx-py" sh tools/release/try_wheel.sh "$out"/packages/*.whl "$work/try"
mv "$work"/try/*.md "$work"/try/*.json "$work"/try/demo-* "$out/release"

say "documentation"
DOCS_VENV="$root/.venv-docs" sh tools/docs.sh "$out/release/site"

say "ready"
(cd "$out/packages" && sha256sum -- *)
