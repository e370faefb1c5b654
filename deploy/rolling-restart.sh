#!/bin/sh
# Restarts servers one after the other; one answers at any time. For an update, or for settings that have changed.
#
#   deploy/rolling-restart.sh server-1 server-2                                       with compose.yaml
#   RESTART='systemctl restart' deploy/rolling-restart.sh conference-coach@3001 …      with systemd
#
# RESTART restarts the server that it gets as its last argument, and succeeds when that is ready.
# PAUSE_SECONDS is how long the proxy may take to notice that the server is back.
set -eu
: "${RESTART:=docker compose up -d --no-deps --force-recreate --wait}"
: "${PAUSE_SECONDS:=5}"

[ $# -gt 1 ] || { echo 'rolling-restart: name two servers or more.' >&2; exit 2; }
for server; do
  echo "Restarting $server."
  # shellcheck disable=SC2086
  $RESTART "$server" || { echo "rolling-restart: $server is not ready; the others were left alone." >&2; exit 1; }
  sleep "$PAUSE_SECONDS"
done
