#!/bin/bash
# Starts PostgreSQL as the documentation of the official image promises. On an empty data directory it makes a database
# cluster and runs what lies in /docker-entrypoint-initdb.d against a server that listens on its socket only; then,
# as on a directory with data, it becomes the real server. Any other command is run as it is.
set -Eeuo pipefail

say() { printf '%s: %s\n' "$0" "$*"; }

refuse() {
  printf 'Error: %s\n' "$@" >&2
  exit 1
}

# Exports NAME with its own value, else what the file named by NAME_FILE holds, else the default.
setting() { # NAME default
  local name=$1 file_name=${1}_FILE
  if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
    refuse "$name and $file_name are both set. Set one of them."
  fi
  if [ -n "${!file_name:-}" ]; then
    [ -r "${!file_name}" ] || refuse "$file_name names ${!file_name}, and there is no such file that can be read."
    printf -v "$name" '%s' "$(<"${!file_name}")"
  fi
  printf -v "$name" '%s' "${!name:-$2}"
  export "${name?}"
  unset "$file_name"
}

superuser_sql() { # database, then psql arguments
  local database=$1
  shift
  PGHOST='' PGHOSTADDR='' psql --set ON_ERROR_STOP=1 --no-psqlrc --no-password \
    --username "$POSTGRES_USER" --dbname "$database" "$@"
}

refuse_without_password() {
  if [ -n "$POSTGRES_PASSWORD" ] || [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then return; fi
  refuse 'Database is uninitialized and superuser password is not specified.' \
    'Set POSTGRES_PASSWORD to the password that the superuser shall have: docker run -e POSTGRES_PASSWORD=…' \
    'or POSTGRES_PASSWORD_FILE to a file that holds it.' \
    'POSTGRES_HOST_AUTH_METHOD=trust does without one, and lets in everybody who can reach the port.'
}

# initdb wants to know the name of its user. `docker run --user 1234` has none, so it is lent one.
lend_name_to_uid() {
  if getent passwd "$(id -u)" >/dev/null; then return; fi
  local libraries=(/usr/lib/*/libnss_wrapper.so)
  NSS_WRAPPER_PASSWD=$(mktemp)
  NSS_WRAPPER_GROUP=$(mktemp)
  printf 'postgres:x:%s:%s::%s:/bin/false\n' "$(id -u)" "$(id -g)" "$PGDATA" >"$NSS_WRAPPER_PASSWD"
  printf 'postgres:x:%s:\n' "$(id -g)" >"$NSS_WRAPPER_GROUP"
  export LD_PRELOAD=${libraries[0]} NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
}

take_name_back() {
  [ -n "${NSS_WRAPPER_PASSWD:-}" ] || return 0
  rm -f "$NSS_WRAPPER_PASSWD" "$NSS_WRAPPER_GROUP"
  unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
}

make_cluster() {
  local options=()
  # Words in quotes stay together, as they would on a command line.
  eval "options=($POSTGRES_INITDB_ARGS)"
  if [ -n "$POSTGRES_INITDB_WALDIR" ]; then options+=(--waldir "$POSTGRES_INITDB_WALDIR"); fi
  lend_name_to_uid
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${options[@]}"
  take_name_back
  printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh)
        if [ -x "$file" ]; then
          say "running $file"
          "$file"
        else
          say "sourcing $file"
          . "$file"
        fi
        ;;
      *.sql) say "running $file"; superuser_sql "$POSTGRES_DB" --file "$file"; echo ;;
      *.sql.gz) say "running $file"; gunzip --stdout "$file" | superuser_sql "$POSTGRES_DB"; echo ;;
      *.sql.xz) say "running $file"; xzcat "$file" | superuser_sql "$POSTGRES_DB"; echo ;;
      *.sql.zst) say "running $file"; zstd --decompress --stdout "$file" | superuser_sql "$POSTGRES_DB"; echo ;;
      '/docker-entrypoint-initdb.d/*') ;;
      *) say "ignoring $file" ;;
    esac
  done
}

first_start() { # the server's own arguments
  refuse_without_password
  make_cluster
  export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
  # Without a TCP port: whoever waits for the database over the network waits for the real server.
  set -- "$@" -c listen_addresses='' -p "${PGPORT:-5432}"
  PGUSER=$POSTGRES_USER pg_ctl --pgdata "$PGDATA" --options "$(printf '%q ' "$@")" --wait start
  if [ -z "$(superuser_sql postgres -At --set db="$POSTGRES_DB" <<<"SELECT 1 FROM pg_database WHERE datname = :'db';")" ]; then
    superuser_sql postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
  fi
  run_init_files
  PGUSER=$POSTGRES_USER pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
  unset PGPASSWORD
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

# Makes the folders the server writes to; as root, also gives them to postgres.
prepare_folders() {
  local folders=("$PGDATA" /var/run/postgresql)
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA" 2>/dev/null || true # not ours to change: initdb says so, if it matters
  if [ -n "$POSTGRES_INITDB_WALDIR" ]; then
    mkdir -p "$POSTGRES_INITDB_WALDIR"
    folders+=("$POSTGRES_INITDB_WALDIR")
  fi
  if [ "$(id -u)" = 0 ]; then find "${folders[@]}" ! -user postgres -exec chown postgres {} +; fi
}

asks_only() { # whether the server is asked about itself rather than started
  local word
  for word in "$@"; do
    case $word in '-?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

# Bare flags are flags of the server.
if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi

if [ "${1:-}" = postgres ] && ! asks_only "$@"; then
  # As root already, because a secret's file may be readable by root alone.
  setting POSTGRES_PASSWORD ''
  setting POSTGRES_USER postgres
  setting POSTGRES_DB "$POSTGRES_USER"
  setting POSTGRES_INITDB_ARGS ''
  setting POSTGRES_INITDB_WALDIR ''
  setting POSTGRES_HOST_AUTH_METHOD scram-sha-256
  prepare_folders
  if [ "$(id -u)" = 0 ]; then exec gosu postgres "$BASH_SOURCE" "$@"; fi
  if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  else
    first_start "${@:2}"
  fi
fi
exec "$@"
