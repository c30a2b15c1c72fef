// What a check can do on a real engine in a real sandbox, and what it leaves behind: nothing.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../src/engine/spawner.ts';
import { openTestSandbox } from '../src/engine/testing.ts';
import { image } from './checks/image.ts';
import { grade } from './grade.ts';
import { findSecretInImage } from './image-secret.ts';
import { inventoryOf } from './inventory.ts';
import { findSecret } from './layers.ts';
import { Scene } from './scene.ts';
import { simpleLab } from './testing.ts';

let sandbox: Sandbox & AsyncDisposable;
const signal = new AbortController().signal;

beforeAll(async () => {
  sandbox = await openTestSandbox();
});
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]();
});

async function built(
  tag: string,
  dockerfile: string,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const script = [
    'folder=$(mktemp -d)',
    'cd "$folder"',
    ...Object.entries(files).map(([name, text]) => `printf '%s' '${text}' >'${name}'`),
    `docker build -q -t ${tag} -f - . <<'EOF'\n${dockerfile}\nEOF`,
  ].join('\n');
  const outcome = await sandbox.exec(['bash', '-ec', script]);
  expect(outcome.exitCode, outcome.stderr).toBe(0);
}

test('asks inside an image as its own user, and as another', async () => {
  await built('as:user', 'FROM busybox\nUSER 1234');
  await using scene = new Scene(sandbox);
  const inside = await scene.inside('as:user', signal);
  expect((await inside.ask(['id', '-u'])).stdout).toBe('1234\n');
  expect((await inside.ask(['id', '-u'], { user: '0' })).stdout).toBe('0\n');
});

test('an image that lies about its user is not believed', async () => {
  await built(
    'lies:1',
    'FROM busybox\nRUN rm /bin/id && printf "#!/bin/sh\\necho 10001\\n" >/bin/id && chmod +x /bin/id\nRUN rm -f /bin/sh',
  );
  const lab = simpleLab([image('lies:1').runsAs(10_001, { id: 'user' })]);
  const { results } = await grade(lab, sandbox);
  expect(results[0]).toMatchObject({ status: 'fail', actual: 'uid 0, which is root' });
});

test('an image without a single program of its own can be asked', async () => {
  await built('empty:1', 'FROM scratch\nCOPY only /\nUSER 5', { only: 'x' });
  await using scene = new Scene(sandbox);
  expect((await (await scene.inside('empty:1', signal)).ask(['id', '-u'])).stdout).toBe('5\n');
});

test('an image that can’t be started is told as its outcome, not as trouble of the grader', async () => {
  await built('broken:cmd', 'FROM busybox\nCMD ["pyhton", "main.py"]');
  await built('broken:user', 'FROM busybox\nUSER nobody-here');
  const lab = simpleLab([
    image('broken:cmd').prints('12 rows', { id: 'prints' }),
    image('broken:user').runsAs(10_001, { id: 'user' }),
  ]);
  const { results } = await grade(lab, sandbox);
  expect(results.map(({ status }) => status)).toEqual(['fail', 'fail']);
  expect(results[0]?.actual).toMatch(/pyhton/);
  expect(results[1]?.actual).toMatch(/nobody-here/);
});

test('files are in the container before it starts', async () => {
  await using scene = new Scene(sandbox);
  const outcome = await scene.run(
    {
      image: 'busybox',
      command: ['cat', '/orders/today.csv'],
      files: { '/orders/today.csv': 'order,shop\n' },
      user: '1000',
    },
    signal,
  );
  expect(outcome).toEqual({ exitCode: 0, stdout: 'order,shop\n', stderr: '' });
});

test('tells what is below a folder of an image, as its containers would see it', async () => {
  await built('files:1', 'FROM busybox\nCOPY . /app/deep\nRUN rm /app/deep/gone', { stays: 'x', gone: 'x' });
  await using scene = new Scene(sandbox);
  expect(await scene.namesBelow('files:1', '/app', signal)).toEqual(['deep/', 'deep/stays']);
  expect(await scene.namesBelow('files:1', '/nowhere', signal)).toBeUndefined();
});

test('a program that prints without end is cut off and still has an exit code', async () => {
  await using scene = new Scene(sandbox);
  const outcome = await scene.run(
    { image: 'busybox', command: ['sh', '-c', 'yes | head -c 3000000; exit 3'] },
    signal,
  );
  expect(outcome.exitCode).toBe(3);
  expect(outcome.stdout.length).toBeLessThan(300_000);
});

test('finds a secret that was copied and removed, read layer by layer and read from the saved image alike', async () => {
  const secret = sandbox.canary('TEST');
  await built('leaks:1', 'FROM busybox\nCOPY . /app\nRUN rm /app/.env', {
    '.env': `KEY=${secret}`,
    main: 'x',
  });
  await using scene = new Scene(sandbox);
  const fromLayers = await findSecretInImage(scene, 'leaks:1', secret, signal);
  const fromSaved = await findSecret(await scene.exportImage('leaks:1', signal), secret);
  expect(fromLayers).toEqual(fromSaved);
  expect(fromLayers.findings).toEqual([{ layer: 2, path: 'app/.env', hidden: true }]);
});

test('finds a secret in a build argument’s history and in the environment', async () => {
  const secret = sandbox.canary('TEST');
  await built('leaks:2', `FROM busybox\nARG KEY=${secret}\nRUN echo $KEY | wc -c`);
  await built('leaks:3', `FROM busybox\nENV KEY=${secret}`);
  await using scene = new Scene(sandbox);
  for (const reference of ['leaks:2', 'leaks:3']) {
    const { findings } = await findSecretInImage(scene, reference, secret, signal);
    expect(findings).toContainEqual({ layer: 0, path: 'configuration and history', hidden: false });
  }
});

test('a clean image is clean, the first time and the second', async () => {
  await using scene = new Scene(sandbox);
  for (const _turn of [1, 2])
    expect((await findSecretInImage(scene, 'nginx:1.26', sandbox.canary('TEST'), signal)).findings).toEqual(
      [],
    );
});

test('a grade leaves the engine as it found it, also if it is broken off', async () => {
  await built('stays:1', 'FROM busybox\nCMD ["sleep", "60"]');
  const before = await inventoryOf(sandbox);
  const etl = image('stays:1');
  const lab = simpleLab([
    etl.runsAs(0, { id: 'user' }),
    etl.stopsWithin(1, 'never said', { id: 'stops' }),
    etl.carriesNoSecret('TEST', { id: 'secret' }),
  ]);
  const stop = new AbortController();
  const graded = grade(lab, sandbox, {
    signal: stop.signal,
    onResult: () => stop.abort(new Error('the learner left')),
  });
  await expect(graded).rejects.toThrow('the learner left');
  await expect.poll(async () => before.differences(await inventoryOf(sandbox))).toEqual([]);
});
