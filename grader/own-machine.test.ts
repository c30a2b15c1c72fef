import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { socketOf } from './own-machine.ts';

test('an engine elsewhere is refused with what to do', () => {
  expect(() => socketOf('ssh://build.example')).toThrow(
    'Your docker command talks to ssh://build.example. Grading reads files beside the engine, so it needs one on this machine: set DOCKER_HOST=unix:///path/to/docker.sock.',
  );
});

test('a socket that is not there, or is a plain file, is refused with what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'socket-'));
  writeFileSync(join(folder, 'file'), '');
  expect(() => socketOf(`unix://${folder}/none`)).toThrow('There is no Docker engine at');
  expect(() => socketOf(`unix://${folder}/file`)).toThrow('There is no Docker engine at');
  rmSync(folder, { recursive: true });
});

test('a socket that is there is taken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'socket-'));
  const path = join(folder, 'docker.sock');
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  expect(socketOf(`unix://${path}`)).toBe(path);
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
