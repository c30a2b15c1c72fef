import { expect, test } from 'vitest';
import { build, readProgress } from './build.ts';

const step = (name: string, parts: object) =>
  JSON.stringify({ vertexes: [{ digest: name, name, ...parts }] }, null, 2);
const log = (...pieces: string[]) => pieces.join('\n');

test('reads which steps were cached, which ran and which never had their turn', () => {
  const { steps } = readProgress(
    log(
      step('[1/3] FROM python', { started: 'now', cached: true }),
      step('[2/3] RUN pip install', {}),
      step('[2/3] RUN pip install', { started: 'now' }),
      step('[3/3] COPY . .', {}),
    ),
  );
  expect(steps).toEqual([
    { name: '[1/3] FROM python', cached: true, ran: false },
    { name: '[2/3] RUN pip install', cached: false, ran: true },
    { name: '[3/3] COPY . .', cached: false, ran: false },
  ]);
});

test('reads how much was sent', () => {
  const sent = (id: string, current: number) => JSON.stringify({ statuses: [{ id, current }] }, null, 2);
  expect(
    readProgress(
      log(
        sent('transferring dockerfile:', 9_999),
        sent('transferring context:', 10),
        sent('transferring context:', 204),
      ),
    ).contextBytes,
  ).toBe(204);
});

test('the last words of a failed build are the failed step’s, or what came after the progress', () => {
  expect(readProgress(step('RUN false', { error: 'exit code: 1' })).words).toBe('exit code: 1');
  expect(readProgress(log(step('load', {}), 'ERROR: failed to read dockerfile')).words).toMatch(
    /failed to read dockerfile$/,
  );
  expect(readProgress('docker: not found\n').words).toBe('docker: not found');
});

const project = build({
  installs: /RUN pip install/,
  code: { path: 'main.py', printing: (word) => `print("${word}")` },
  packages: { path: 'requirements.txt', refused: (word) => `--${word}` },
});
const outcome = { ok: true, contextBytes: 2_048, words: '', image: 'x', word: 'changed-1' };
const cached = { name: '[2/3] RUN pip install', cached: true, ran: false };
const ran = { name: '[2/3] RUN pip install', cached: false, ran: true };

test('a cached install after a change of code passes; one that ran again, or none at all, fails', () => {
  const { judge } = project.keepsPackages({ id: 'cache' });
  expect(judge({ ...outcome, steps: [cached] }).status).toBe('pass');
  expect(judge({ ...outcome, steps: [ran] })).toMatchObject({
    status: 'fail',
    actual: 'it ran again: [2/3] RUN pip install',
  });
  expect(judge({ ...outcome, steps: [] })).toMatchObject({
    status: 'fail',
    actual: 'no step installs packages',
  });
  expect(judge({ ...outcome, ok: false, steps: [] }).status).toBe('blocked');
});

test('an install that runs again after a change of packages passes, also if the change breaks it', () => {
  const { judge } = project.reinstallsOnNewPackages({ id: 'packages' });
  expect(judge({ ...outcome, ok: false, steps: [ran] }).status).toBe('pass');
  expect(judge({ ...outcome, steps: [cached] }).status).toBe('fail');
  expect(judge({ ...outcome, ok: false, steps: [] }).status).toBe('blocked');
});

test('a context above the limit fails and says its size', () => {
  const { judge } = project.sendsLessThan(1024 * 1024, { id: 'context' });
  expect(judge({ ...outcome, steps: [] }).status).toBe('pass');
  expect(judge({ ...outcome, steps: [], contextBytes: 200 * 1024 * 1024 })).toMatchObject({
    status: 'fail',
    actual: '200.0 MiB',
  });
});

test('what should have stayed at home fails with its path', () => {
  const { judge } = project.leavesOut(['.env'], { id: 'clean' });
  const of = (found: readonly string[]) =>
    judge({ build: { ...outcome, steps: [] }, found, workdir: '/app' });
  expect(of([]).status).toBe('pass');
  expect(of(['.env', 'a/__pycache__/'])).toMatchObject({ status: 'fail', actual: '.env, a/__pycache__/' });
});
