#!/bin/sh
# Makes sure that the programs are there which the tests start: takes those that are, else installs Debian's, else says what to do.
set -eu

has() {
  command -v "$1" >/dev/null 2>&1
}

# The names that test/support/browser.ts looks for.
has_browser() {
  has chromium || has chromium-browser || has google-chrome
}

# Without a font, a page has no text to measure or to look at.
has_font() {
  [ "$(uname -s)" != Linux ] ||
    [ -n "$(find /usr/share/fonts /usr/local/share/fonts -name '*.[ot]tf' -print -quit 2>/dev/null)" ]
}

missing=''
for program in redis-server curl; do
  has "$program" || missing="$missing $program"
done
has_browser || missing="$missing chromium"
has_font || missing="$missing fonts-dejavu-core"
# The soak runs the scripts of deploy/.
if [ "${1-}" = soak ]; then
  has caddy || missing="$missing caddy"
  has systemd-analyze || missing="$missing systemd"
  has jq || missing="$missing jq"
fi
# Debian's package of promtool.
has promtool || missing="$missing prometheus"
if [ -z "$missing" ]; then
  exit 0
fi

if ! has apt-get; then
  echo "The tests need redis-server 6.2 or newer, curl, Chromium, a font and Prometheus's promtool. Missing:$missing." >&2
  echo 'Install them: brew install redis curl chromium prometheus; dnf install redis curl chromium dejavu-sans-fonts golang-github-prometheus; apk add redis curl chromium font-dejavu prometheus.' >&2
  exit 1
fi

as_root=''
if [ "$(id -u)" != 0 ]; then
  as_root='sudo -n'
  if ! $as_root true 2>/dev/null; then
    echo "The tests need more programs. Install them: sudo apt-get install$missing" >&2
    exit 1
  fi
fi

echo "Installing for the tests:$missing."
$as_root apt-get update -qq
case "$missing" in *' prometheus')
  missing="${missing% prometheus}"
  # Promtool alone: the package would start a server, and install twice as much.
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root prometheus && dpkg-deb --extract prometheus_*.deb .)
  $as_root install "$folder/usr/bin/promtool" /usr/local/bin/promtool
  ;;
esac
[ -n "$missing" ] || exit 0
# RUNLEVEL: the tests start servers of their own; Debian's need not run.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
