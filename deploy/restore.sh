#!/bin/sh
# Puts the snapshot on standard input into the data folder of a Redis that is stopped. What is there is moved aside.
#
#   docker compose run --rm -T redis sh /deploy/restore.sh /data < backup.rdb
#   deploy/restore.sh /var/lib/redis < backup.rdb
#
# A Redis with an append-only file does not read snapshots: a Redis without one reads it here, and then writes that file.
set -eu
folder=$1
# The service of compose.yaml; elsewhere there is no such host.
if [ -n "$(redis-cli -h redis ping 2>/dev/null)" ]; then
  echo 'restore: Redis is running: docker compose stop redis. Nothing was changed.' >&2
  exit 1
fi
backup=$folder/restore.rdb
trap 'rm -f "$backup"' EXIT
cat >"$backup"
redis-check-rdb "$backup" >/dev/null || {
  echo "restore: this is not a whole snapshot of Redis. Nothing was changed." >&2
  exit 1
}
aside=$folder/before-$(date +%Y%m%d-%H%M%S)
mkdir "$aside"
for old in appendonlydir dump.rdb; do
  [ ! -e "$folder/$old" ] || mv "$folder/$old" "$aside"
done
mv "$backup" "$folder/dump.rdb"

sockets=$(mktemp -d)
redis-server --port 0 --unixsocket "$sockets/redis" --dir "$folder" --save '' --appendonly no >"$sockets/log" &
redis=$!
trap 'kill "$redis" 2>/dev/null || true; rm -rf "$sockets"' EXIT
ask() {
  redis-cli -s "$sockets/redis" "$@"
}
until [ "$(ask ping 2>/dev/null)" = PONG ]; do
  kill -0 "$redis" 2>/dev/null || {
    tail -5 "$sockets/log" >&2
    echo "restore: Redis could not start. What was there before is in $aside." >&2
    exit 1
  }
  sleep 0.1
done
ask config set appendonly yes >/dev/null
while ask info persistence | grep -qE '^aof_rewrite_(in_progress|scheduled):1'; do
  sleep 0.1
done
ask info persistence | grep -q '^aof_last_bgrewrite_status:ok' || {
  echo "restore: Redis could not write to $folder. What was there before is in $aside." >&2
  exit 1
}
echo "Restored $(ask dbsize) keys. What was there before is in $aside."
ask shutdown nosave >/dev/null 2>&1 || true
wait "$redis"
rm -f "$folder/dump.rdb"
