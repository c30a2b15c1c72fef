// What postgres:17 promises, whether it was pulled or made here: checks and labs may count on this and on nothing else.
import { expect, test } from 'vitest';
import type { ExecResult } from '../../grader/workplace.ts';
import { openTestSandbox } from '../../src/engine/testing.ts';
import { contractGround, POLL, variable } from './contract-ground.ts';

const { attempt, config, docker, exec, folderWith, logs, started, stopped } = contractGround(openTestSandbox);

const psql = async (container: string, sql: string, ...words: string[]): Promise<ExecResult> =>
  await attempt('exec', container, 'psql', '-AtX', ...words, '-c', sql);
const count = (text: string, phrase: string): number => text.split(phrase).length - 1;
const READY = 'database system is ready to accept connections';

test('listens on 5432, keeps its data in a volume, is stopped by SIGINT, and belongs to uid 999', async () => {
  const about = await config('postgres:17');
  expect(about).toMatchObject({
    Cmd: ['postgres'],
    Entrypoint: ['docker-entrypoint.sh'],
    StopSignal: 'SIGINT',
    User: '',
    WorkingDir: '',
  });
  expect(Object.keys(about.ExposedPorts ?? {})).toEqual(['5432/tcp']);
  expect(Object.keys(about.Volumes ?? {})).toEqual(['/var/lib/postgresql/data']);
  expect(variable(about, 'PGDATA')).toBe('/var/lib/postgresql/data');
  expect(variable(about, 'PG_MAJOR')).toBe('17');
  expect(variable(about, 'LANG')).toBe('en_US.utf8');
  const script =
    'id -u postgres; id -g postgres; postgres --version; psql --version; stat -c %a /docker-entrypoint-initdb.d';
  const answer = (await docker('run', '--rm', 'postgres:17', 'bash', '-c', script)).split('\n');
  expect(answer.slice(0, 2)).toEqual(['999', '999']);
  expect(answer[2]).toMatch(/^postgres \(PostgreSQL\) 17\./);
  expect(answer[3]).toMatch(/^psql \(PostgreSQL\) 17\./);
});

test('refuses to start without a password and says what to set', async () => {
  const { exitCode, stderr } = await attempt('run', '--rm', 'postgres:17');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('superuser password is not specified');
  expect(stderr).toContain('POSTGRES_PASSWORD');
});

test('refuses a password that is given twice, as a value and as a file', async () => {
  const both = ['--env', 'POSTGRES_PASSWORD=a', '--env', 'POSTGRES_PASSWORD_FILE=/etc/hostname'];
  const { exitCode, stderr } = await attempt('run', '--rm', ...both, 'postgres:17');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('POSTGRES_PASSWORD_FILE');
});

test('on an empty data directory runs the init files once, on its socket only; then opens its port, and keeps the data', async () => {
  const init = await folderWith('initdb', {
    '1-orders.sql': { text: 'create table orders (id int); insert into orders values (1), (2);' },
    '2-sourced.sh': {
      text: 'psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "insert into orders values (3)"\n',
    },
    '3-gate.sh': { text: '#!/bin/sh\nuntil [ -e /tmp/open ]; do sleep 0.1; done\n', mode: '755' },
    'notes.txt': { text: 'not for the database' },
  });
  // Readable by root alone, as a secret often is.
  const secrets = await folderWith('secrets', { password: { text: 'pear-tree\n', mode: '400' } });
  await exec(['sh', '-c', `echo 'insert into orders values (4);' | gzip >${init}/4-more.sql.gz`]);
  const volume = 'contract-warehouse';
  const words = [
    ...['--env', 'POSTGRES_USER=etl', '--env', 'POSTGRES_DB=warehouse'],
    ...['--env', 'POSTGRES_PASSWORD_FILE=/run/secrets/password', '--volume', `${secrets}:/run/secrets:ro`],
    ...[
      '--volume',
      `${init}:/docker-entrypoint-initdb.d:ro`,
      '--volume',
      `${volume}:/var/lib/postgresql/data`,
    ],
  ];
  try {
    await using first = await started(...words, 'postgres:17');
    // While the third init file waits: the server answers on its socket and nowhere else.
    await expect
      .poll(
        async () =>
          (await psql(first.id, 'select count(*) from orders', '-U', 'etl', '-d', 'warehouse')).stdout,
        POLL,
      )
      .toBe('3\n');
    expect((await attempt('exec', first.id, 'pg_isready')).exitCode).toBe(0);
    expect((await attempt('exec', first.id, 'pg_isready', '-h', '127.0.0.1')).exitCode).toBe(2);
    await docker('exec', first.id, 'touch', '/tmp/open');
    await expect
      .poll(async () => (await attempt('exec', first.id, 'pg_isready', '-h', '127.0.0.1')).exitCode, POLL)
      .toBe(0);

    expect((await psql(first.id, 'select count(*) from orders', '-U', 'etl', '-d', 'warehouse')).stdout).toBe(
      '4\n',
    );
    const said = await logs(first.id);
    expect(count(said, READY)).toBe(2);
    expect(said).toContain('PostgreSQL init process complete; ready for start up.');
    expect(said).toContain('ignoring /docker-entrypoint-initdb.d/notes.txt');
    // The server is process 1, so that it gets the stop signal, and is not root.
    expect(await docker('exec', first.id, 'sh', '-c', 'cat /proc/1/comm; stat -c %u /proc/1')).toBe(
      'postgres\n999',
    );

    // From elsewhere the password counts, and the wrong one does not do.
    const address = await docker('inspect', '--format', '{{.NetworkSettings.IPAddress}}', first.id);
    const from = async (password: string): Promise<ExecResult> =>
      await attempt(
        ...['run', '--rm', '--env', `PGPASSWORD=${password}`, 'postgres:17', 'psql', '-AtX', '-h', address],
        ...['-U', 'etl', '-d', 'warehouse', '-c', "select current_user || ' ' || count(*) from orders"],
      );
    expect((await from('pear-tree')).stdout).toBe('etl 4\n');
    expect((await from('apple-tree')).stderr).toContain('password authentication failed');

    expect(await stopped(first.id)).toBe(0);
    expect(await logs(first.id)).toContain('received fast shutdown request');

    await using second = await started(...words, 'postgres:17');
    await expect
      .poll(async () => (await attempt('exec', second.id, 'pg_isready', '-h', '127.0.0.1')).exitCode, POLL)
      .toBe(0);
    expect(
      (await psql(second.id, 'select count(*) from orders', '-U', 'etl', '-d', 'warehouse')).stdout,
    ).toBe('4\n');
    const again = await logs(second.id);
    expect(count(again, READY)).toBe(1);
    expect(again).toContain('Skipping initialization');
  } finally {
    await docker('volume', 'rm', '--force', volume);
  }
});

test('runs as any uid that owns its data directory, with bare server flags and initdb arguments, and sorts as people do', async () => {
  const data = await folderWith('data', {});
  await exec(['chown', '1234:1234', data]);
  await using server = await started(
    ...['--user', '1234:1234', '--volume', `${data}:/var/lib/postgresql/data`],
    ...['--env', 'POSTGRES_HOST_AUTH_METHOD=trust', '--env', 'POSTGRES_INITDB_ARGS=--data-checksums'],
    ...['postgres:17', '-c', 'max_connections=33', '-c', 'fsync=off'],
  );
  const ask = async (sql: string): Promise<string> =>
    (await psql(server.id, sql, '-h', '127.0.0.1', '-U', 'postgres')).stdout.trim();
  await expect.poll(async () => await ask("select current_setting('max_connections')"), POLL).toBe('33');
  expect(await ask("select current_setting('data_checksums')")).toBe('on');
  expect(await ask("select current_setting('server_encoding')")).toBe('UTF8');
  expect(
    await ask(
      "select string_agg(word, '' order by word) from (values ('b'), ('A'), ('a'), ('B')) as words (word)",
    ),
  ).toBe('aAbB');
  expect(
    await ask("select string_agg(unaccented, '') from (select upper('æ') as unaccented) as letters"),
  ).toBe('Æ');
  expect(await stopped(server.id)).toBe(0);
});

test('orchard-pg signs in over the network with SCRAM, asks with values, and is told what went wrong', async () => {
  const program = [
    'import orchard_pg',
    'with orchard_pg.connect("warehouse", user="etl", password="pear", database="etl") as database:',
    '    print(database.query("show password_encryption"))',
    '    database.query("create table orders (id int, product text)")',
    '    print(database.query("insert into orders values ($1, $2), ($3, $4) returning id", 1, "o\'pear", 2, None))',
    '    print(database.query("select * from orders order by id"), database.query("select 1; select 2"))',
    '    try: database.query("select * from nowhere")',
    '    except orchard_pg.DatabaseError as error: print(error.code, error)',
    '    print(database.query("select count(*) from orders where product = $1", "\'; drop table orders; --"))',
    'try: orchard_pg.connect("warehouse", user="etl", password="plum", database="etl")',
    'except orchard_pg.DatabaseError as error: print(error.code)',
  ].join('\n');
  await docker('network', 'create', 'contract-net');
  try {
    await using server = await started(
      ...['--network', 'contract-net', '--network-alias', 'warehouse', '--env', 'POSTGRES_USER=etl'],
      ...['--env', 'POSTGRES_PASSWORD=pear', 'postgres:17', 'postgres', '-c', 'fsync=off'],
    );
    await expect
      .poll(async () => (await attempt('exec', server.id, 'pg_isready', '-h', '127.0.0.1')).exitCode, POLL)
      .toBe(0);
    const answer = await docker(
      ...['run', '--rm', '--network', 'contract-net', '--env', `PROGRAM=${program}`, 'python:3.13-slim'],
      ...['sh', '-euc', 'pip install -q --root-user-action=ignore orchard-pg; python -c "$PROGRAM"'],
    );
    expect(answer.split('\n')).toEqual([
      "[('scram-sha-256',)]",
      "[('1',), ('2',)]",
      `[('1', "o'pear"), ('2', None)] [('2',)]`,
      '42P01 relation "nowhere" does not exist',
      "[('0',)]",
      '28P01',
    ]);
  } finally {
    await docker('network', 'rm', 'contract-net');
  }
});
