#!/bin/sh
# Runs what was put into /docker-entrypoint.d, in order, before nginx starts; any other command is run as it is.
set -e
case ${1:-} in
  nginx | nginx-debug)
    for script in /docker-entrypoint.d/*; do
      [ -e "$script" ] || continue
      case $script in
        *.envsh) [ -x "$script" ] && . "$script" ;;
        *.sh) [ -x "$script" ] && "$script" ;;
      esac
    done
    ;;
esac
exec "$@"
