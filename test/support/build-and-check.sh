#!/bin/sh
# Builds and checks the style while another processor checks the types.
set -eu

npm run --silent typecheck &
types=$!
status=0
{ tsc -p . --noCheck && npm run --silent build:browser && npm run --silent lint; } || status=$?
wait "$types" || status=$?
exit "$status"
