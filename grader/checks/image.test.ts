import { expect, test } from 'vitest';
import { imageFacts } from '../facts.ts';
import { image } from './image.ts';

const etl = image('etl:dev');
const facts = (config: object = {}) =>
  imageFacts.parse({ Id: 'sha256:1', Size: 1, Config: config, RootFS: { Layers: [] } });
const said = (stdout: string, exitCode = 0, stderr = '') => ({ stdout, stderr, exitCode });

test('an image that is not there fails and says how to look', () => {
  const { judge } = etl.exists({ id: 'exists' });
  expect(judge(undefined)).toMatchObject({ status: 'fail', see: 'docker image ls etl:dev' });
  expect(judge(facts()).status).toBe('pass');
});

test('the right words with a wrong exit code fail, and so do wrong words', () => {
  const { judge } = etl.prints('12 rows', { id: 'prints' });
  expect(judge(said('12 rows loaded\n')).status).toBe('pass');
  expect(judge(said('12 rows loaded\n', 1)).status).toBe('fail');
  expect(judge(said('', 1, 'Traceback\nModuleNotFoundError: pipeline\n'))).toMatchObject({
    actual: 'exit code 1, and at the end: ModuleNotFoundError: pipeline',
  });
  expect(judge(said('', 127, 'exec: "pyhton": not found'))).toMatchObject({ status: 'fail' });
});

test.each([
  [{ Cmd: ['python', 'main.py'] }, 'pass'],
  [{ Entrypoint: ['python'], Cmd: ['main.py'] }, 'pass'],
  [{ Cmd: ['/bin/sh', '-c', 'python main.py'] }, 'fail'],
  [{ Entrypoint: ['/bin/sh', '-c', 'python main.py'] }, 'fail'],
  [{}, 'fail'],
  [{ Cmd: null, Entrypoint: null }, 'fail'],
])('what starts as %j is a %s for exec form', (config, status) => {
  expect(etl.startsWithoutShell({ id: 'exec' }).judge(facts(config)).status).toBe(status);
});

test.each([
  ['10001', 'pass'],
  ['10001:10001', 'pass'],
  ['etl', 'fail'],
  ['', 'fail'],
  ['10001x', 'fail'],
])('USER %s is a %s for a number', (User, status) => {
  expect(etl.namesUserByNumber({ id: 'number' }).judge(facts({ User })).status).toBe(status);
});

test('root, another user and a user that does not exist fail', () => {
  const { judge } = etl.runsAs(10_001, { id: 'user' });
  expect(judge(said('10001\n')).status).toBe('pass');
  expect(judge(said('0\n'))).toMatchObject({ status: 'fail', actual: 'uid 0, which is root' });
  expect(judge(said('', 127, 'unable to find user etl'))).toMatchObject({
    status: 'fail',
    actual: 'it could not be started: unable to find user etl',
  });
});

test('code that its user can write to fails, and says what', () => {
  const { judge } = etl.mayNotWrite('/app/main.py', { id: 'code' });
  expect(judge(said('')).status).toBe('pass');
  expect(judge(said('file\nfolder\n'))).toMatchObject({ actual: 'writable: /app/main.py and /app' });
  expect(judge(said('missing\n'))).toMatchObject({ status: 'fail', actual: 'there is no /app/main.py' });
});

test('a secret fails with its layer, also if it was deleted later', () => {
  const { judge } = etl.carriesNoSecret('KEY', { id: 'secret' });
  expect(judge({ layers: 4, findings: [] })).toMatchObject({
    status: 'pass',
    actual: '4 layers looked through',
  });
  expect(judge({ layers: 4, findings: [{ layer: 2, path: 'app/.env', hidden: true }] })).toMatchObject({
    status: 'fail',
    actual: 'it is in layer 2 of 4, in app/.env; a later layer deletes the file, and the bytes stay',
  });
});

test('stopping in time passes, being killed fails, ending early fails, never being ready proves nothing', () => {
  const { judge } = etl.stopsWithin(3, 'ready', { id: 'stops' });
  const stop = { ready: true, running: true, logs: 'ready\n', exitCode: 0, ms: 200 };
  expect(judge(stop)).toMatchObject({ status: 'pass', actual: '0.2 s, exit code 0' });
  expect(judge({ ...stop, exitCode: 137 }).status).toBe('fail');
  expect(judge({ ...stop, running: false, ready: false })).toMatchObject({ status: 'fail' });
  expect(judge({ ...stop, ready: false, logs: '' }).status).toBe('blocked');
});

test('a file left behind fails with its name; an empty or missing folder passes', () => {
  const { judge } = etl.hasNothingIn('/root/.cache/pip', { id: 'cache' });
  expect(judge([]).status).toBe('pass');
  expect(judge(['http/', 'selfcheck/']).status).toBe('pass');
  expect(judge(['http/', 'http/1'])).toMatchObject({
    status: 'fail',
    actual: '1 file, such as /root/.cache/pip/http/1',
  });
});
