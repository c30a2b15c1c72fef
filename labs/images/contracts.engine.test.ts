// What every image of the catalogue promises, whether it was pulled or made here: checks and labs may count on this and on nothing else.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecResult } from '../../grader/workplace.ts';
import { openTestSandbox } from '../../src/engine/testing.ts';
import { catalogue } from './catalogue.ts';

/** Long enough for a first start of PostgreSQL on a busy machine. */
const POLL = { timeout: 40_000, interval: 100 };

interface ImageConfig {
  readonly Env: readonly string[] | null;
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly User: string;
  readonly WorkingDir: string;
}

let sandbox: Awaited<ReturnType<typeof openTestSandbox>>;
beforeAll(async () => {
  sandbox = await openTestSandbox();
});
afterAll(async () => await sandbox[Symbol.asyncDispose]());

const attempt = async (...words: string[]): Promise<ExecResult> => await sandbox.exec(['docker', ...words]);

/** What a docker command prints, which must succeed. */
async function docker(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await attempt(...words);
  expect(exitCode, `docker ${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout.trim();
}

/** Everything a container has said so far, on either stream. */
async function logs(container: string): Promise<string> {
  const { stdout, stderr } = await attempt('logs', container);
  return stdout + stderr;
}

async function config(image: string): Promise<ImageConfig> {
  return JSON.parse(await docker('image', 'inspect', '--format', '{{json .Config}}', image));
}

const variable = ({ Env }: ImageConfig, name: string): string | undefined =>
  Env?.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);

/** A detached container, gone with its anonymous volumes at the end of its scope. */
async function started(...words: string[]): Promise<AsyncDisposable & { readonly id: string }> {
  const id = await docker('run', '--detach', ...words);
  return {
    id,
    async [Symbol.asyncDispose]() {
      await attempt('rm', '--force', '--volumes', id);
    },
  };
}

/** Stops a container as `docker stop` does, with time to spare; gives the exit code it ended with. */
async function stopped(container: string): Promise<number> {
  await docker('stop', '--time', '30', container);
  return Number(await docker('inspect', '--format', '{{.State.ExitCode}}', container));
}

/** Puts files into a fresh folder of the sandbox, for mounting into containers. */
async function folderWith(
  name: string,
  files: Record<string, { text: string; mode?: string }>,
): Promise<string> {
  const folder = `/tmp/contract-${name}`;
  const { exitCode } = await sandbox.exec(['sh', '-c', `rm -rf ${folder} && mkdir -m 755 ${folder}`]);
  expect(exitCode).toBe(0);
  for (const [path, { text, mode }] of Object.entries(files)) {
    const script = `cat >"${folder}/${path}" && chmod ${mode ?? '644'} "${folder}/${path}"`;
    await sandbox.exec(['sh', '-c', script], { input: text });
  }
  return folder;
}

test('every image of the catalogue is there under each of its names, and a stand-in says that it is one', async () => {
  for (const entry of catalogue) {
    const id = await docker('image', 'inspect', '--format', '{{.Id}}', entry.ref);
    for (const name of entry.alsoTagged ?? []) {
      expect(await docker('image', 'inspect', '--format', '{{.Id}}', name), name).toBe(id);
    }
    const labels = (await config(entry.ref)).Labels ?? {};
    if (labels['lab.standin'] === undefined) continue;
    expect(labels['lab.standin']).toBe('true');
    expect(labels['lab.standin.for']).toContain(entry.ref.split(':')[0]);
    expect(labels['lab.standin.differs']?.length).toBeGreaterThan(20);
  }
});

test('debian:trixie-slim is Debian 13 with apt, bash and root, and without tools that slim leaves out', async () => {
  expect(await config('debian:trixie-slim')).toMatchObject({ Cmd: ['bash'], User: '', WorkingDir: '' });
  const script =
    '. /etc/os-release; echo $ID $VERSION_CODENAME; id -u; command -v apt-get bash; command -v curl python3 gcc';
  const { stdout } = await attempt('run', '--rm', 'debian:trixie-slim', 'bash', '-c', script);
  expect(stdout.trim().split('\n')).toEqual(['debian trixie', '0', '/usr/bin/apt-get', '/usr/bin/bash']);
});

test('busybox is a shell and its applets in /bin, small enough to be free', async () => {
  expect(await config('busybox')).toMatchObject({ Cmd: ['sh'], Entrypoint: null, User: '' });
  const applets = 'sh ls cat env id nc ping wget httpd nslookup ip sleep tar vi ps top mount chmod'.split(
    ' ',
  );
  const found = await docker('run', '--rm', 'busybox', 'sh', '-c', `cd /bin && ls -d ${applets.join(' ')}`);
  expect(found.split('\n')).toHaveLength(applets.length);
  expect(await docker('run', '--rm', 'busybox', '/usr/bin/env', 'echo', 'found')).toBe('found');
  expect(await docker('run', '--rm', '--user', 'nobody', 'busybox', 'id', '-u')).toBe('65534');
  expect((await attempt('run', '--rm', 'busybox', 'sh', '-c', 'exit 7')).exitCode).toBe(7);
  expect(Number(await docker('image', 'inspect', '--format', '{{.Size}}', 'busybox'))).toBeLessThan(6e6);
});

describe('python:3.13-slim', () => {
  const python = async (script: string, ...words: string[]): Promise<string> =>
    await docker('run', '--rm', ...words, 'python:3.13-slim', 'sh', '-euc', script);

  test('has python and pip in /usr/local, starts python3 as root, and brings no compiler', async () => {
    const about = await config('python:3.13-slim');
    expect(about).toMatchObject({ Cmd: ['python3'], Entrypoint: null, User: '', WorkingDir: '' });
    expect(variable(about, 'PATH')).toMatch(/^\/usr\/local\/bin:/);
    const version = variable(about, 'PYTHON_VERSION');
    expect(version).toMatch(/^3\.13\.\d+$/);
    const answer = await python(
      'id -u; command -v python python3 python3.13 pip pip3; python --version; python -c "import sys, sysconfig; print(sys.prefix, sysconfig.get_path(\'purelib\'))"; ! command -v gcc curl',
    );
    expect(answer.split('\n')).toEqual([
      '0',
      ...['python', 'python3', 'python3.13', 'pip', 'pip3'].map((name) => `/usr/local/bin/${name}`),
      `Python ${version}`,
      '/usr/local /usr/local/lib/python3.13/site-packages',
    ]);
  });

  test('has the parts of the standard library that data work leans on, in UTF-8', async () => {
    const modules = 'bz2, csv, ctypes, decimal, hashlib, lzma, sqlite3, ssl, uuid, zlib, zoneinfo';
    const script = `python -c "import ${modules}, sys; print(sys.stdout.encoding, zoneinfo.ZoneInfo('Europe/Oslo'), len(ssl.create_default_context().get_ca_certs()) > 50)"`;
    expect(await python(script)).toBe('utf-8 Europe/Oslo True');
  });

  test('pip installs from the lab’s index: for all, with --prefix, into an environment, and for a user who is not root', async () => {
    const csv =
      'printf "order,shop,product,price\\n1,Mill,Pears,€ 4,20\\n2,Mill,Plums,2.80\\nx,y,z,w\\n" >/tmp/orders.csv';
    const everyWay = [
      csv,
      'pip install -q --no-cache-dir --root-user-action=ignore orchard-etl==1.1.0',
      'command -v orchard-etl; orchard-etl /tmp/orders.csv',
      'pip install -q --root-user-action=ignore --prefix=/install orchard-etl==1.0.0',
      'ls /install/bin /install/lib/python3.13/site-packages | grep -x "orchard.etl"',
      'python -m venv /opt/venv; /opt/venv/bin/pip install -q orchard-etl==1.0.0; /opt/venv/bin/orchard-etl /tmp/orders.csv',
    ];
    expect((await python(everyWay.join('\n'))).split('\n')).toEqual([
      '/usr/local/bin/orchard-etl',
      '2 orders, 7.00 in all (orchard-etl 1.1.0)',
      '  Mill: 7.00',
      'orchard-etl',
      'orchard_etl',
      '2 orders, 7.00 in all (orchard-etl 1.0.0)',
    ]);
    const asUser = `${csv}; pip install -q orchard-etl==1.0.0 2>/dev/null; "$HOME/.local/bin/orchard-etl" /tmp/orders.csv`;
    expect(await python(asUser, '--user', '1000', '--env', 'HOME=/tmp/home')).toContain('2 orders');
  });

  test('a console script, a nested environment and /install made in one stage work in the next', async () => {
    const recipe = [
      'FROM python:3.13-slim AS builder',
      'RUN pip install -q --no-cache-dir --root-user-action=ignore --prefix=/install orchard-etl==1.1.0',
      'RUN python -m venv /opt/venv && /opt/venv/bin/pip install -q orchard-etl==1.0.0',
      'FROM python:3.13-slim',
      'COPY --from=builder /install /usr/local',
      'COPY --from=builder /opt/venv /opt/venv',
      'CMD ["sh", "-c", "python -c \\"import orchard_etl; print(orchard_etl.__version__)\\"; orchard-etl; /opt/venv/bin/python -c \\"import orchard_etl; print(orchard_etl.__version__)\\""]',
    ].join('\n');
    const built = await sandbox.exec(['docker', 'build', '-q', '-t', 'contract-stages', '-'], {
      input: recipe,
    });
    expect(built.exitCode, built.stderr).toBe(0);
    const { stdout, stderr } = await attempt('run', '--rm', 'contract-stages');
    await docker('rmi', 'contract-stages');
    expect(stdout.trim().split('\n')).toEqual(['1.1.0', '1.0.0']);
    expect(stderr).toContain('usage: orchard-etl');
  });

  test('orchard-money reads the prices that shops write and refuses what is none', async () => {
    const prices = [
      '3.50',
      '€ 3,50',
      '1.234,00 EUR',
      '1.234',
      '1,234.5',
      '1 234,50 €',
      '-2',
      '3.50 EUR.',
      '3-4',
      'EUR',
      '',
    ];
    const program = [
      'import json, os, orchard_money',
      'def read(text):',
      '    try: return str(orchard_money.parse_price(text))',
      '    except ValueError: return None',
      'print(json.dumps([read(text) for text in json.loads(os.environ["PRICES"])]))',
    ].join('\n');
    const answer = await python(
      'pip install -q --root-user-action=ignore orchard-money; python -c "$PROGRAM"',
      ...['--env', `PROGRAM=${program}`, '--env', `PRICES=${JSON.stringify(prices)}`],
    );
    expect(JSON.parse(answer)).toEqual([
      '3.50',
      '3.50',
      '1234.00',
      '1234',
      '1234.5',
      '1234.50',
      '-2',
      '3.50',
      null,
      null,
      null,
    ]);
  });

  test('the index is made anew with the same bytes', async () => {
    const tar = execFileSync('tar', ['-C', join(import.meta.dirname, 'wheels'), '-c', '.']);
    const folder = await folderWith('wheels', {});
    await sandbox.writeTar(folder, tar);
    const remake =
      'python /wheels/build.py /tmp/index >/dev/null; cd /tmp/index && find simple -type f | sort | xargs sha256sum';
    const made = await python(remake, '--volume', `${folder}:/wheels:ro`);
    const served = await sandbox.exec([
      'sh',
      '-c',
      'cd /seed/mirror && find simple -type f | sort | xargs sha256sum',
    ]);
    expect(made).toContain('orchard_etl-1.1.0-py3-none-any.whl');
    expect(made).toBe(served.stdout.trim());
  });
});

describe('postgres:17', () => {
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
    await sandbox.exec(['sh', '-c', `echo 'insert into orders values (4);' | gzip >${init}/4-more.sql.gz`]);
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

      expect(
        (await psql(first.id, 'select count(*) from orders', '-U', 'etl', '-d', 'warehouse')).stdout,
      ).toBe('4\n');
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

  test('runs as any uid with bare server flags and initdb arguments, and sorts as people do', async () => {
    await using server = await started(
      ...[
        '--user',
        '1234:1234',
        '--env',
        'POSTGRES_HOST_AUTH_METHOD=trust',
        '--env',
        'POSTGRES_INITDB_ARGS=--data-checksums',
      ],
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
});

describe('nginx', () => {
  /** The body of a page, asked for inside the container's own network by a busybox beside it. */
  const page = async (container: string, path = '/'): Promise<string> => {
    const url = `http://127.0.0.1${path}`;
    return (
      await attempt('run', '--rm', '--network', `container:${container}`, 'busybox', 'wget', '-qO-', url)
    ).stdout;
  };

  test('serves its welcome page on 80 as uid 101, logs to the container’s streams, and stops without a fault', async () => {
    const about = await config('nginx');
    expect(about).toMatchObject({
      Cmd: ['nginx', '-g', 'daemon off;'],
      Entrypoint: ['/docker-entrypoint.sh'],
      StopSignal: 'SIGQUIT',
      User: '',
    });
    expect(Object.keys(about.ExposedPorts ?? {})).toEqual(['80/tcp']);
    await using server = await started('nginx');
    await expect.poll(async () => await page(server.id), POLL).toContain('Welcome to nginx!');
    await page(server.id, '/nothing-here');
    await expect.poll(async () => await logs(server.id), POLL).toMatch(/"GET \/ HTTP\/1\.1" 200/);
    expect(await logs(server.id)).toContain('Configuration complete; ready for start up');
    expect(await logs(server.id)).toContain('/usr/share/nginx/html/nothing-here');
    expect(await docker('exec', server.id, 'id', '-u', 'nginx')).toBe('101');
    const workers =
      'for p in /proc/[0-9]*; do grep -qs "nginx: worker" $p/cmdline && stat -c %u $p; done | sort -u';
    expect(await docker('exec', server.id, 'sh', '-c', workers)).toBe('101');
    const version = await attempt('exec', server.id, 'nginx', '-v');
    expect(version.stderr).toContain(`nginx/${variable(about, 'NGINX_VERSION')}`);
    expect(await stopped(server.id)).toBe(0);
  });

  test('serves what is mounted over its pages and sites, and fills in templates', async () => {
    const html = await folderWith('html', { 'index.html': { text: 'orchard' } });
    const sites = await folderWith('templates', {
      'extra.conf.template': {
        text: 'server { listen ${PORT}; location / { return 200 "$host ${PORT}"; } }',
      },
    });
    const scripts = await folderWith('entry', {
      '99-note.sh': { text: '#!/bin/sh\necho "ran before nginx"\n', mode: '755' },
    });
    await using server = await started(
      ...[
        '--env',
        'PORT=8080',
        '--volume',
        `${html}:/usr/share/nginx/html:ro`,
        '--volume',
        `${sites}:/etc/nginx/templates:ro`,
      ],
      ...['--volume', `${scripts}/99-note.sh:/docker-entrypoint.d/99-note.sh:ro`, 'nginx'],
    );
    await expect.poll(async () => await page(server.id), POLL).toBe('orchard');
    expect(await page(server.id, ':8080/')).toBe('127.0.0.1 8080');
    expect(await logs(server.id)).toContain('ran before nginx');
  });

  test('runs another command as it is, and says where a mistake in a site lies', async () => {
    const broken = await folderWith('broken', { 'default.conf': { text: 'server { listn 80; }' } });
    const words = ['run', '--rm', '--volume', `${broken}:/etc/nginx/conf.d:ro`, 'nginx', 'nginx', '-t'];
    const { exitCode, stderr } = await attempt(...words);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('unknown directive "listn" in /etc/nginx/conf.d/default.conf:1');
    expect(await docker('run', '--rm', 'nginx', 'echo', 'hello')).toBe('hello');
  });
});
