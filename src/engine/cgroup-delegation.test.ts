import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { cgroupDirectories, delegationHelper } from './cgroup-delegation.ts';

test('on cgroup v1 a process has one directory in each hierarchy, named ones and the unified one included', () => {
  const text =
    '3:cpu,cpuacct:/docker/abc\n2:name=systemd:/docker/abc\n1:memory:/docker/abc\n0::/docker/abc\n';
  expect(cgroupDirectories(text, '/cg')).toEqual([
    { directory: '/cg/cpu,cpuacct/docker/abc', version: 1 },
    { directory: '/cg/systemd/docker/abc', version: 1 },
    { directory: '/cg/memory/docker/abc', version: 1 },
    { directory: '/cg/unified/docker/abc', version: 2 },
  ]);
});

test('on cgroup v2 a process has one directory', () => {
  expect(cgroupDirectories('0::/system.slice/docker-abc.scope\n', '/cg')).toEqual([
    { directory: '/cg/system.slice/docker-abc.scope', version: 2 },
  ]);
});

test('the root of a hierarchy is never handed over', () => {
  expect(cgroupDirectories('1:memory:/\n0::/\n', '/cg')).toEqual([]);
});

test('the helper’s script is one that a plain shell understands', () => {
  const [shell = '', flag = '', script = ''] = delegationHelper(1, 100_000).command;
  expect([shell, flag]).toEqual(['/bin/sh', '-c']);
  expect(() => execFileSync('/bin/sh', ['-n', '-c', script])).not.toThrow();
});
