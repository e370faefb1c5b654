#!/bin/sh
# Makes sure that a redis-server is there for the tests: takes one that is, else installs Debian's, else says what to do.
set -eu

if command -v redis-server >/dev/null 2>&1; then
  exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo 'The tests need redis-server 6.2 or newer on the PATH. Install it: brew install redis, dnf install redis, apk add redis.' >&2
  exit 1
fi

as_root=''
if [ "$(id -u)" != 0 ]; then
  as_root='sudo -n'
  if ! $as_root true 2>/dev/null; then
    echo 'The tests need redis-server. Install it: sudo apt-get install redis-server' >&2
    exit 1
  fi
fi

echo 'Installing redis-server for the tests.'
$as_root apt-get update -qq
# RUNLEVEL: the tests start servers of their own; Debian's need not run.
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends redis-server >/dev/null
