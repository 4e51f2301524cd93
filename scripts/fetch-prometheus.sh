#!/usr/bin/env bash
# Puts Debian's promtool and prometheus into .cache/prometheus, for the tests of deploy/prometheus and deploy/grafana.
# Installs nothing and starts nothing. Where it can't, those tests are skipped and say so: it always ends with 0.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 0
unpacked=.cache/prometheus

has() { command -v "$1" > /dev/null; }
if has promtool && has prometheus; then exit 0; fi
if [ -x "$unpacked/usr/bin/promtool" ] && [ -x "$unpacked/usr/bin/prometheus" ]; then exit 0; fi
if ! has apt-get || ! has dpkg-deb || ! has timeout; then
  echo 'prometheus: not Debian, so its tests are skipped'
  exit 0
fi

work=$(mktemp -d) || exit 0
trap 'rm -rf "$work"' EXIT
download() { (cd "$work" && timeout 120 apt-get -qq download prometheus < /dev/null > /dev/null 2>&1); }
if ! download; then
  timeout 120 apt-get -qq update < /dev/null > /dev/null 2>&1
  download
fi
if dpkg-deb -x "$work"/prometheus_*.deb "$work/unpacked" 2> /dev/null && "$work/unpacked/usr/bin/promtool" --version > /dev/null 2>&1; then
  mkdir -p .cache
  rm -rf "$unpacked"
  mv "$work/unpacked" "$unpacked"
  echo "prometheus: unpacked into $unpacked"
else
  echo 'prometheus: could not be had from apt, so its tests are skipped'
fi
exit 0
