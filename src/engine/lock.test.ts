import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('two that want the same lock do their work one after the other', async () => {
  const seen: string[] = [];
  const work = (name: string) => () =>
    withLock(
      path,
      () => seen.push(`${name} waits`),
      async () => {
        seen.push(`${name} in`);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${name} out`);
      },
    );
  await Promise.all([work('first')(), work('second')()]);
  expect(seen).toEqual(['first in', 'second waits', 'first out', 'second in', 'second out']);
});

test('a lock is free again after work that failed', async () => {
  await expect(
    withLock(
      path,
      () => {},
      () => Promise.reject(new Error('no')),
    ),
  ).rejects.toThrow('no');
  expect(
    await withLock(
      path,
      () => {},
      async () => 'yes',
    ),
  ).toBe('yes');
});

test('a lock whose holder died is taken over', async () => {
  // No process has this number with this start.
  writeFileSync(path, `${process.pid} 1`);
  expect(
    await withLock(
      path,
      () => {},
      async () => 'mine',
    ),
  ).toBe('mine');
});
