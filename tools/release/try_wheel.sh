#!/bin/sh
# Install a wheel into fresh environments, and use it as a stranger would: try_wheel.sh WHEEL FOLDER
# PYTHONS names the interpreters; by default, those of 3.11 to 3.14 that are found. FOLDER gets the
# environments, each removed after its try; a screenshot and a list of licences of each; and, if
# CYCLONEDX names the program cyclonedx-py, an SBOM.
set -eu
tools=$(cd "$(dirname "$0")" && pwd)
wheel=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
tried=0

for python in ${PYTHONS:-python3.11 python3.12 python3.13 python3.14}; do
  "$python" -c "" 2>/dev/null || { echo "$python: not found"; continue; }
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  bin=$folder/$version/bin
  echo "== Python $version"
  "$python" -m venv --clear "$folder/$version"
  # install this build of torch first, so that later packages keep it
  "$bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
  "$bin/pip" install --quiet --disable-pip-version-check "$wheel[pyqt6]"
  "$bin/pip" check
  cd "$folder" # where no checkout is found
  unset PYTHONPATH
  "$bin/napari-sr" --version
  "$bin/npe2" validate napari-sr
  "$bin/python" - <<'END'
import numpy as np
import napari_sr

image = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)
assert "site-packages" in napari_sr.__file__, napari_sr.__file__
for model in ("fsrcnn", "edsr-slim", "microscope", "micrograph", "bicubic"):
    large = napari_sr.upscale(image, model, 2)
    assert large.shape == (80, 100) and large.dtype == np.uint8 and large.std() > 10, model
    tiled = napari_sr.upscale(image, model, 2, tile=32)
    assert np.abs(tiled.astype(int) - large).max() <= 1, model
print("upscaled with five models, in tiles and whole")
END
  rm -rf demo-output
  env -u DISPLAY -u WAYLAND_DISPLAY "$bin/napari-sr" demo 2>demo.log || { cat demo.log; exit 1; }
  mv demo-output "demo-$version"
  "$bin/python" "$tools/licences.py" pyqt6 >"licences-$version.md"
  [ -z "${CYCLONEDX-}" ] || "$CYCLONEDX" environment "$bin/python" --output-reproducible \
    --output-file "sbom-$version.cdx.json"
  [ -n "${KEEP-}" ] || rm -rf "${folder:?}/$version"
  tried=$((tried + 1))
done
echo "$tried Pythons tried"
[ "$tried" -gt 0 ]
