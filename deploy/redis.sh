#!/bin/sh
# Starts Redis for the servers, with REDIS_PASSWORD from the environment and its data in the working folder. `"$@"` are
# more options.
set -eu
# A full Redis refuses to write rather than forget calls. The servers notice, see docs/operations.md.
exec redis-server - "$@" <<END
requirepass ${REDIS_PASSWORD:?is not set}
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
END
