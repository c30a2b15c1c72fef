import { expect, test } from 'vitest';
import { mirrorAmong, runCommand } from './machine.ts';

test('the Debian mirror is the main archive of apt’s configuration, not its security or another vendor’s', () => {
  const targets = [
    'http://mirror.example/debian-security/ Debian main',
    'https://vendor.example/apt vendor main',
    'http://mirror.example/debian/ Debian contrib',
    'http://mirror.example/debian/ Debian main',
  ];
  expect(mirrorAmong(targets.join('\n'))).toBe('http://mirror.example/debian');
});

test('a machine without Debian’s archive has no mirror', () => {
  expect(mirrorAmong('https://vendor.example/apt vendor main\n')).toBeUndefined();
});

test('a command that fails is reported with its last words', async () => {
  await expect(runCommand(['sh', '-c', 'echo something went wrong >&2; exit 3'])).rejects.toThrow(
    /ended with 3: something went wrong/,
  );
});
