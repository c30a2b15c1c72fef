#!/bin/bash
# Starts PostgreSQL as the documentation of the official image promises: on an empty data directory it makes a
# database cluster, runs what lies in /docker-entrypoint-initdb.d against a server that listens on its socket only,
# and then starts the real one. On a directory with data it just starts.
set -Eeuo pipefail

say() { printf 'slipway-postgres: %s\n' "$*"; }
refuse() { printf 'Error: %s\n' "$*" >&2; exit 1; }

# A variable's value from NAME or from the file that NAME_FILE names, never both.
setting() { # NAME default
  local name=$1 file_name=${1}_FILE
  if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
    refuse "both $name and $file_name are set, but they exclude each other"
  fi
  if [ -n "${!file_name:-}" ]; then
    [ -r "${!file_name}" ] || refuse "$file_name names ${!file_name}, which can't be read"
    printf -v "$name" '%s' "$(<"${!file_name}")"
  fi
  printf -v "$name" '%s' "${!name:-$2}"
  unset "$file_name"
}

superuser_sql() { # database, then psql arguments
  local database=$1; shift
  PGHOST= PGHOSTADDR= psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" --dbname "$database" "$@"
}

make_cluster() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    cat >&2 <<'TEXT'
Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
       connections without a password. This is *not* recommended.
TEXT
    exit 1
  fi
  local options=()
  [ -n "$POSTGRES_INITDB_ARGS" ] && read -r -a options <<<"$POSTGRES_INITDB_ARGS"
  # A uid that has no name (docker run --user 1234) must not stop initdb.
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth=trust "${options[@]}"
  printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh)
        if [ -x "$file" ]; then say "running $file"; "$file"; else say "sourcing $file"; . "$file"; fi ;;
      *.sql) say "running $file"; superuser_sql "$POSTGRES_DB" -f "$file"; echo ;;
      *.sql.gz) say "running $file"; gunzip -c "$file" | superuser_sql "$POSTGRES_DB"; echo ;;
      '/docker-entrypoint-initdb.d/*') ;;
      *) say "ignoring $file" ;;
    esac
  done
}

first_start() {
  make_cluster
  # The temporary server has no TCP port: whoever waits for the database over the network waits for the real one.
  PGUSER=$POSTGRES_USER pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  if [ "$POSTGRES_DB" != postgres ]; then
    superuser_sql postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
  fi
  export PGPASSWORD=$POSTGRES_PASSWORD
  run_init_files
  unset PGPASSWORD
  pg_ctl -D "$PGDATA" -m fast -w stop
  echo
  say 'PostgreSQL init process complete; ready for start up.'
  echo
}

# Bare flags are flags of the server.
if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi

if [ "${1:-}" = postgres ]; then
  wants_help=no
  for word in "$@"; do
    case $word in -'?' | --help | --describe-config | -V | --version) wants_help=yes ;; esac
  done
  if [ "$wants_help" = no ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA" 2>/dev/null || true
    if [ "$(id -u)" = 0 ]; then
      find "$PGDATA" ! -user postgres -exec chown postgres {} +
      find /var/run/postgresql ! -user postgres -exec chown postgres {} +
      exec gosu postgres "$BASH_SOURCE" "$@"
    fi
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
      setting POSTGRES_PASSWORD ''
      setting POSTGRES_USER postgres
      setting POSTGRES_DB "$POSTGRES_USER"
      setting POSTGRES_INITDB_ARGS ''
      : "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}"
      first_start
    else
      echo
      say 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
      echo
    fi
  fi
fi
exec "$@"
