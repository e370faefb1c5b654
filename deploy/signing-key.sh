#!/bin/sh
# Replaces the signing key in the file of settings, .env unless ENV_FILE names another:
#
#   deploy/signing-key.sh add      asks for the new key. The servers accept both after a restart.
#   deploy/signing-key.sh finish   keeps the new key alone. For when the Space signs with it.
set -eu
file=${ENV_FILE:-.env}
keys=$(sed -n 's/^SIGNALWIRE_SIGNING_KEY=//p' "$file")
case "$keys" in
  *[!A-Za-z0-9_,-]*)
    echo "signing-key: write SIGNALWIRE_SIGNING_KEY in $file once, without quotes, spaces or a comment." >&2
    exit 2
    ;;
esac

case "${1-}" in
  add)
    [ -n "$keys" ] || { echo "signing-key: $file has no SIGNALWIRE_SIGNING_KEY." >&2; exit 2; }
    case "$keys" in *,*) echo 'signing-key: two keys are set already: finish first.' >&2; exit 2 ;; esac
    if [ -t 0 ]; then
      printf 'The new signing key: ' >&2
      # Not every shell runs the trap of EXIT after Ctrl-C.
      trap 'stty echo; exit 130' INT TERM
      stty -echo
    fi
    # The last line may have no end.
    read -r new || true
    [ ! -t 0 ] || { stty echo; echo >&2; }
    case "$new" in
      PT*) echo 'signing-key: that is an API token; a signing key begins with PSK_.' >&2; exit 2 ;;
      '' | *[!A-Za-z0-9_-]* | "$keys") echo 'signing-key: that is not a new key.' >&2; exit 2 ;;
      *) keys=$new,$keys ;;
    esac
    ;;
  finish)
    case "$keys" in *,*) keys=${keys%%,*} ;; *) echo 'signing-key: only one key is set.' >&2; exit 2 ;; esac
    ;;
  *)
    echo 'signing-key: say add or finish.' >&2
    exit 2
    ;;
esac

# In its place at once, with the owner and mode of the file before.
cp -p "$file" "$file.new"
KEYS=$keys awk '/^SIGNALWIRE_SIGNING_KEY=/ { print "SIGNALWIRE_SIGNING_KEY=" ENVIRON["KEYS"]; next } { print }' "$file" >"$file.new"
mv "$file.new" "$file"
echo "$file is changed. Now restart the servers: deploy/rolling-restart.sh server-1 server-2" >&2
