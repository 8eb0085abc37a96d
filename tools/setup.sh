#!/bin/sh
# Set everything up in .venv: system packages (Debian, Ubuntu), Python packages, the plugin.
# With the argument "system", install only system packages: CI has its own Python.
# Needs python3, and root or sudo if system packages are missing. May be run again.
set -eu
cd "$(dirname "$0")/.."

# libraries that Qt needs to start, and tools for a virtual display
packages="ca-certificates libegl1 libgl1 libdbus-1-3 libfontconfig1 libglib2.0-0 libxkbcommon0
  xvfb xauth x11-utils libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
  libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0"
python3 -c 'import ensurepip, venv' 2>/dev/null || packages="python3-venv $packages"

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  missing=""
  for package in $packages; do
    # newer releases rename libraries (libglib2.0-0t64), so accept packages that provide the name
    dpkg-query --show --showformat '${db:Status-Status} ${Package} ${Provides}\n' 2>/dev/null |
      grep '^installed' | grep -qE "[ ,]$package([ ,(]|\$)" || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    echo "Installing system packages:$missing"
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086  # the list is meant to be split
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      $missing >/dev/null
  fi
else
  echo "Not a Debian system: if Qt does not start, install the equivalents of: $packages" >&2
fi

[ "${1-}" != system ] || exit 0

[ -x .venv/bin/pip ] || python3 -m venv --clear .venv
echo "Installing Python packages into .venv (some minutes the first time)"
# install this build of torch first, so that later packages keep it
.venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0
.venv/bin/pip install --quiet --disable-pip-version-check --editable '.[pyqt6,test]'
touch .venv/ready
