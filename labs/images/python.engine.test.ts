// What python:3.13-slim and the package index promise, whether it was pulled or made here: checks and labs may count on this and on nothing else.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTestSandbox } from '../../src/engine/testing.ts';
import { contractGround, variable } from './contract-ground.ts';

const { attempt, config, docker, exec, folderWith, unpack } = contractGround(openTestSandbox);

const python = async (script: string, ...words: string[]): Promise<string> =>
  await docker('run', '--rm', ...words, 'python:3.13-slim', 'sh', '-euc', script);

test('has python and pip in /usr/local, starts python3 as root, and brings no compiler', async () => {
  const about = await config('python:3.13-slim');
  expect(about).toMatchObject({ Cmd: ['python3'], Entrypoint: null, User: '', WorkingDir: '' });
  expect(variable(about, 'PATH')).toMatch(/^\/usr\/local\/bin:/);
  const version = variable(about, 'PYTHON_VERSION');
  expect(version).toMatch(/^3\.13\.\d+$/);
  const answer = await python(
    'id -u; for name in python python3 python3.13 pip pip3; do command -v $name; done; python --version; python -c "import sys, sysconfig; print(sys.prefix, sysconfig.get_path(\'purelib\'))"; for name in gcc make curl; do ! command -v $name; done',
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
    'printf "order,shop,product,price\\n1,Mill,Pears,€ 4.20\\n2,Mill,Plums,2.80\\nx,y,z,w\\n" >/tmp/orders.csv';
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
  const built = await exec(['docker', 'build', '-q', '-t', 'contract-stages', '-'], {
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
  await unpack(folder, tar);
  const remake =
    'python /wheels/build.py /tmp/index >/dev/null; cd /tmp/index && find simple -type f | sort | xargs sha256sum';
  const made = await python(remake, '--volume', `${folder}:/wheels:ro`);
  const served = await exec(['sh', '-c', 'cd /seed/mirror && find simple -type f | sort | xargs sha256sum']);
  expect(made).toContain('orchard_etl-1.1.0-py3-none-any.whl');
  expect(made).toBe(served.stdout.trim());
});
