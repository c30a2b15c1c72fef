import { expect, test } from 'vitest';
import { spawnerContract } from '../server/spawner-contract.ts';
import { openTestRoom, openTestSandbox } from './testing.ts';

spawnerContract('the Docker spawner', async () => {
  const { spawner, engine } = await openTestRoom();
  return { spawner, kill: async (sandbox) => await engine.stopContainer(`slipway-${sandbox.id}`, 0) };
});

test('a sandbox has the catalogue’s images, a package index, and no way out', async () => {
  await using sandbox = await openTestSandbox();
  const images = await sandbox.exec(['docker', 'image', 'ls', '--format', '{{.Repository}}:{{.Tag}}']);
  for (const reference of [
    'python:3.13-slim',
    'postgres:17',
    'nginx:latest',
    'busybox:latest',
    'debian:trixie-slim',
  ]) {
    expect(images.stdout.split('\n')).toContain(reference);
  }
  const index = await sandbox.exec(['curl', '-fsS', 'http://mirror.lab:3141/simple/']);
  expect(index.stdout).toContain('orchard-etl');
  const inside = await sandbox.exec([
    'docker',
    'run',
    '--rm',
    'busybox',
    'wget',
    '-qO-',
    'http://mirror.lab:3141/simple/',
  ]);
  expect(inside.stdout).toContain('orchard-etl');
  const routes = await sandbox.exec(['ip', '-4', 'route', 'show', 'default']);
  expect(routes.stdout).toBe('');
});

test('a name that nobody has is refused at once, not after a timeout', async () => {
  await using sandbox = await openTestSandbox();
  const lookup = await sandbox.exec([
    'busybox',
    'timeout',
    '2',
    'busybox',
    'nslookup',
    'no-such-name.example',
    '198.18.0.1',
  ]);
  expect(lookup.stdout + lookup.stderr).toMatch(/NXDOMAIN|can't resolve/);
});

test('the seed that all sandboxes share cannot be made writable from inside', async () => {
  await using sandbox = await openTestSandbox();
  const attempt = await sandbox.exec([
    'sh',
    '-c',
    'mount -o remount,bind,rw /seed; touch /seed/written && echo WRITTEN',
  ]);
  expect(attempt.stdout).not.toContain('WRITTEN');
  // The control: the same words do work on a mount of the sandbox’s own.
  const control = await sandbox.exec([
    'sh',
    '-c',
    'mkdir /tmp/a /tmp/b && mount --bind /tmp/a /tmp/b && mount -o remount,bind,ro /tmp/b && mount -o remount,bind,rw /tmp/b && touch /tmp/b/written && echo WRITTEN',
  ]);
  expect(control.stdout).toContain('WRITTEN');
});

test('a sandbox’s root is nobody on this machine, and its limits are there', async () => {
  await using sandbox = await openTestSandbox();
  const map = await sandbox.exec(['cat', '/proc/self/uid_map']);
  expect(Number(map.stdout.trim().split(/\s+/)[1])).toBeGreaterThan(0);
  const { engine } = await openTestRoom();
  expect(await engine.limitsOf(`slipway-${sandbox.id}`)).toMatchObject({
    memoryBytes: 2 * 1024 ** 3,
    processes: 2_048,
  });
});
