import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentHash } from './content-hash.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-hash-'));
  mkdirSync(join(root, 'recipe/files'), { recursive: true });
  writeFileSync(join(root, 'recipe/Dockerfile'), 'FROM scratch\n');
  writeFileSync(join(root, 'recipe/files/run'), 'echo hi\n');
});
afterEach(() => rmSync(root, { recursive: true }));

test('the same content has the same name', () => {
  expect(contentHash(root, ['recipe'])).toBe(contentHash(root, ['recipe']));
});

test.each([
  ['a changed byte', () => writeFileSync(join(root, 'recipe/files/run'), 'echo ho\n')],
  ['a renamed file', () => renameSync(join(root, 'recipe/files/run'), join(root, 'recipe/files/go'))],
  ['an executable bit', () => chmodSync(join(root, 'recipe/files/run'), 0o755)],
])('%s makes another name', (_what, change) => {
  const before = contentHash(root, ['recipe']);
  change();
  expect(contentHash(root, ['recipe'])).not.toBe(before);
});
