#!/bin/sh
# Runs what lies in /docker-entrypoint.d, in order, before nginx starts; any other command is run as it is.
# *.sh is run, *.envsh is read into this shell so that it can set variables for those after it.
set -e

say() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || printf '%s: %s\n' "$0" "$*"; }

case ${1:-} in
  nginx | nginx-debug)
    for script in /docker-entrypoint.d/*; do
      case $script in
        *.sh | *.envsh) ;;
        *) continue ;;
      esac
      if [ ! -x "$script" ]; then
        say "leaving out $script, which is not executable"
        continue
      fi
      say "running $script"
      case $script in
        *.envsh) . "$script" ;;
        *) "$script" ;;
      esac
    done
    say 'Configuration complete; ready for start up'
    ;;
esac
exec "$@"
