#!/bin/sh
# Makes sure that the programs are there which the tests start: takes those that are, else installs Debian's, else says what to do.
set -eu

missing=''
for program in redis-server curl; do
  command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
if [ -z "$missing" ]; then
  exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need redis-server 6.2 or newer and curl on the PATH. Missing:$missing." >&2
  echo 'Install them: brew install redis curl, dnf install redis curl, apk add redis curl.' >&2
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
# RUNLEVEL: the tests start servers of their own; Debian's need not run.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
