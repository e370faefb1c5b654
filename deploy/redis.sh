#!/bin/sh
# Starts Redis for the servers, with REDIS_PASSWORD from the environment and its data in the working folder. `"$@"` are
# more options.
set -eu
case "${REDIS_PASSWORD:?is not set}" in
  *[!A-Za-z0-9_-]*) echo 'redis: REDIS_PASSWORD may have only A-Z, a-z, 0-9, _ and -: openssl rand -hex 32.' >&2; exit 2 ;;
esac
# A full Redis refuses to write rather than forget calls. The servers notice, see docs/operations.md.
exec redis-server - "$@" <<END
requirepass $REDIS_PASSWORD
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
END
