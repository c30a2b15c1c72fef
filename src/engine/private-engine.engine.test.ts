import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openPrivateEngine, type PrivateEngine, withInternet } from './private-engine.ts';

let data = '';
beforeAll(() => {
  data = mkdtempSync(join(tmpdir(), 'slipway-engine-'));
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

const pidOf = () => Number(readFileSync(join(data, 'engine/docker.pid'), 'utf8'));
const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
const natRules = () => execFileSync('iptables', ['-w', '-t', 'nat', '-S'], { encoding: 'utf8' });

async function held<T>(work: (engine: PrivateEngine) => Promise<T>): Promise<T> {
  const engine = await openPrivateEngine(data);
  try {
    return await work(engine);
  } finally {
    await engine.release();
  }
}

test('it runs under the data folder with remapped users, and nothing of it runs after its release', async () => {
  const rulesBefore = natRules();
  const { pid, bridge } = await held(async (held) => {
    const facts = await held.engine.facts();
    expect(facts.usernsRemap).toBe(true);
    // The temporary folder is closed to others, so the engine reaches it by a mount; the files lie in it all the same.
    expect(readdirSync(join(data, 'engine/data'))).toContain(`${held.remappedRoot}.${held.remappedRoot}`);
    expect(held.remappedRoot).toBeGreaterThan(0);
    return { pid: pidOf(), bridge: held.bridge.name };
  });
  expect(isAlive(pid)).toBe(false);
  expect(existsSync(`/sys/class/net/${bridge}`)).toBe(false);
  expect(natRules()).toBe(rulesBefore);
  const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  expect(processes).not.toContain(bridge);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(bridge);
});

test('a second holder joins the running engine, and it stops with the last one', async () => {
  const first = await openPrivateEngine(data);
  const pid = pidOf();
  // This process holds it once however often it opens it: another process is what a second holder is.
  const other = execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { openPrivateEngine } = await import(${JSON.stringify(join(import.meta.dirname, 'private-engine.ts'))});
       const held = await openPrivateEngine(${JSON.stringify(data)});
       console.log(held.started);
       await held.release();
       process.exit(0);`,
    ],
    { encoding: 'utf8' },
  );
  expect(other.trim()).toBe('false');
  expect(await first.engine.answers()).toBe(true);
  await first.release();
  expect(isAlive(pid)).toBe(false);
});

test('an engine that is killed comes back by itself', async () => {
  await held(async ({ engine }) => {
    const killed = pidOf();
    process.kill(killed, 'SIGKILL');
    await vi.waitFor(
      async () => {
        expect(await engine.answers()).toBe(true);
        expect(pidOf()).not.toBe(killed);
      },
      { timeout: 20_000, interval: 100 },
    );
  });
});

test('the way to the Internet is open only while images are built', async () => {
  await held(async ({ bridge }) => {
    const before = natRules();
    await withInternet(bridge, async () => {
      expect(natRules()).toContain(bridge.subnet);
    });
    expect(natRules()).toBe(before);
  });
});
