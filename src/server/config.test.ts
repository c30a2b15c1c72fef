// What the environment may say, and the sentence for each thing it may not.
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { capacityFor, readConfig } from './config.ts';

function refusal(name: string, value: string): string {
  try {
    readConfig({ [name]: value });
  } catch (error) {
    return error instanceof Error ? error.message : 'not an error';
  }
  return 'accepted';
}

describe('readConfig', () => {
  it('needs nothing to be set', () => {
    const { capacity, ...rest } = readConfig({});
    expect(capacity).toBeGreaterThanOrEqual(1);
    expect(rest).toEqual({
      host: '127.0.0.1',
      port: 4321,
      dataFolder: resolve('.slipway'),
      engineSocket: undefined,
      isolation: undefined,
      egress: 'none',
      labMinutes: 240,
      publicOrigin: undefined,
      logLevel: 'warn',
    });
  });

  it('takes an empty value for one that is not set', () => {
    expect(readConfig({ SLIPWAY_ENGINE: '', SLIPWAY_PORT: '' })).toMatchObject({
      engineSocket: undefined,
      port: 4321,
    });
  });

  it('reads every value', () => {
    expect(
      readConfig({
        SLIPWAY_HOST: '0.0.0.0',
        SLIPWAY_PORT: '8080',
        SLIPWAY_DATA: '/srv/slipway',
        SLIPWAY_ENGINE: 'unix:///var/run/docker.sock',
        SLIPWAY_ISOLATION: 'privileged',
        SLIPWAY_EGRESS: 'none',
        SLIPWAY_CAPACITY: '12',
        SLIPWAY_LAB_MINUTES: '45',
        SLIPWAY_ORIGIN: 'https://docker.example.org',
        SLIPWAY_LOG: 'info',
      }),
    ).toEqual({
      host: '0.0.0.0',
      port: 8080,
      dataFolder: '/srv/slipway',
      engineSocket: '/var/run/docker.sock',
      isolation: 'privileged',
      egress: 'none',
      capacity: 12,
      labMinutes: 45,
      publicOrigin: 'https://docker.example.org',
      logLevel: 'info',
    });
  });

  it('says in one sentence what it expected', () => {
    expect(refusal('SLIPWAY_PORT', 'http')).toMatchInlineSnapshot(
      `"SLIPWAY_PORT should be a port, a whole number from 0 to 65535 (0: any free one), but it is "http"."`,
    );
    expect(refusal('SLIPWAY_PORT', '70000')).toMatchInlineSnapshot(
      `"SLIPWAY_PORT should be a port, a whole number from 0 to 65535 (0: any free one), but it is "70000"."`,
    );
    expect(refusal('SLIPWAY_HOST', 'my host')).toMatchInlineSnapshot(
      `"SLIPWAY_HOST should be the address to listen on, such as 127.0.0.1 or 0.0.0.0, but it is "my host"."`,
    );
    expect(refusal('SLIPWAY_ENGINE', 'tcp://10.0.0.1:2375')).toMatchInlineSnapshot(
      `"SLIPWAY_ENGINE should be the address of an engine on this machine, such as unix:///var/run/docker.sock, but it is "tcp://10.0.0.1:2375"."`,
    );
    expect(refusal('SLIPWAY_ENGINE', 'unix://')).toMatchInlineSnapshot(
      `"SLIPWAY_ENGINE should be the address of an engine on this machine, such as unix:///var/run/docker.sock, but it is "unix://"."`,
    );
    expect(refusal('SLIPWAY_ISOLATION', 'none')).toMatchInlineSnapshot(
      `"SLIPWAY_ISOLATION should be "userns" (a learner's root is nobody on this machine) or "privileged" (one trusted learner), but it is "none"."`,
    );
    expect(refusal('SLIPWAY_EGRESS', 'packages')).toMatchInlineSnapshot(
      `"SLIPWAY_EGRESS should be "none" ("packages" and "open" are not built yet: sandboxes have no way out), but it is "packages"."`,
    );
    expect(refusal('SLIPWAY_EGRESS', 'open')).toMatchInlineSnapshot(
      `"SLIPWAY_EGRESS should be "none" ("packages" and "open" are not built yet: sandboxes have no way out), but it is "open"."`,
    );
    expect(refusal('SLIPWAY_CAPACITY', '0')).toMatchInlineSnapshot(
      `"SLIPWAY_CAPACITY should be how many sandboxes may live at once, from 1 to 1000, but it is "0"."`,
    );
    expect(refusal('SLIPWAY_LAB_MINUTES', 'an hour')).toMatchInlineSnapshot(
      `"SLIPWAY_LAB_MINUTES should be how many minutes a sandbox lives, from 5 to 10080 (a week), but it is "an hour"."`,
    );
    expect(refusal('SLIPWAY_ORIGIN', 'docker.example.org/')).toMatchInlineSnapshot(
      `"SLIPWAY_ORIGIN should be what learners see before the first slash, such as https://docker.example.org, but it is "docker.example.org/"."`,
    );
    expect(refusal('SLIPWAY_LOG', 'x'.repeat(200))).toMatchInlineSnapshot(
      `"SLIPWAY_LOG should be one of silent, error, warn, info, debug, but it is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"."`,
    );
  });
});

describe('capacityFor', () => {
  it('grows with memory, and is never nothing', () => {
    const gibibyte = 1024 ** 3;
    expect([1, 4, 8, 16, 64].map((memory) => capacityFor(memory * gibibyte))).toEqual([1, 3, 8, 19, 40]);
  });
});
