#!/bin/sh
# Writes a snapshot of Redis to standard output, while it runs:
#
#   docker compose exec -T redis sh /deploy/backup.sh > backup.rdb
#   REDIS_PASSWORD=… deploy/backup.sh -h 127.0.0.1 > backup.rdb
#
# The password in the environment: other users of the machine can see a command line. `"$@"` are options of redis-cli.
set -eu
REDISCLI_AUTH=${REDIS_PASSWORD:?is not set} exec redis-cli "$@" --rdb -
