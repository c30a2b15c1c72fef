// Who may start, who shares a start, what ends when, and what a restart finds.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SandboxGone } from '../engine/spawner.ts';
import type { LearningEvent } from './events.ts';
import { silentLog } from './log.ts';
import { createSandboxes, type Sandboxes, type SandboxesOptions } from './sandboxes.ts';
import { FakeSpawner, type Misfortune } from './testing.ts';

const waitFor = (assert: () => Promise<void> | void) => vi.waitFor(assert, { timeout: 5_000, interval: 2 });
const HOUR_MS = 3_600_000;

const open: { sandboxes: Sandboxes; spawner: FakeSpawner }[] = [];
afterEach(async () => {
  for (const { sandboxes, spawner } of open.splice(0)) {
    spawner.misfortune = undefined;
    await sandboxes.close();
    await spawner[Symbol.asyncDispose]();
  }
});

async function keeper(
  options: { misfortune?: Misfortune; spawner?: FakeSpawner } & Partial<SandboxesOptions> = {},
) {
  const { misfortune, spawner = new FakeSpawner(misfortune), ...rest } = options;
  const facts: [string, LearningEvent][] = [];
  const gone: string[] = [];
  const warned: number[] = [];
  const living: string[][] = [];
  const sandboxes = createSandboxes({
    capacity: 10,
    labMinutes: 60,
    record: async (learner, event) => void facts.push([learner, event]),
    gone: (sandbox, reason) => gone.push(`${sandbox.learner} ${sandbox.lab} ${reason}`),
    expiring: (_sandbox, minutes) => warned.push(minutes),
    adopted: (ids) => living.push([...ids]),
    log: silentLog,
    sweepEveryMs: 5,
    retryEveryMs: 5,
    ...rest,
  });
  open.push({ sandboxes, spawner });
  if (misfortune !== 'broken') await sandboxes.adopt(spawner);
  return { sandboxes, spawner, facts, gone, warned, living };
}

describe('a start', () => {
  it('is shared by all who ask while it is under way', async () => {
    const { sandboxes, spawner, facts } = await keeper({ misfortune: 'slow' });
    const starts = [sandboxes.open('ada', 'one'), sandboxes.open('ada', 'one')];
    await waitFor(() => expect(sandboxes.find('ada', 'one')).toBe('starting'));
    spawner.release();
    const [first, second] = await Promise.all(starts);
    expect(first?.sandbox).toBe(second?.sandbox);
    expect(await sandboxes.open('ada', 'one')).toEqual({ sandbox: first?.sandbox, found: true });
    expect(facts).toEqual([['ada', { type: 'lab-started', lab: 'one' }]]);
  });

  it('that fails leaves the place free', async () => {
    const { sandboxes, spawner, facts } = await keeper({ misfortune: 'full' });
    await expect(sandboxes.open('ada', 'one')).rejects.toMatchObject({ code: 'internal' });
    expect(sandboxes.find('ada', 'one')).toBeUndefined();
    spawner.misfortune = undefined;
    expect((await sandboxes.open('ada', 'one')).found).toBe(false);
    expect(facts).toHaveLength(1);
  });

  it('that takes too long is stopped and told', async () => {
    const { sandboxes } = await keeper({ misfortune: 'never', startDeadlineMs: 20 });
    await expect(sandboxes.open('ada', 'one')).rejects.toThrow(/did not come up within/);
    expect(sandboxes.find('ada', 'one')).toBeUndefined();
  });

  it('can be ended while it is under way, and leaves nothing', async () => {
    const { sandboxes, spawner } = await keeper({ misfortune: 'slow' });
    const start = sandboxes.open('ada', 'one');
    const outcome = expect(start).rejects.toMatchObject({ code: 'no-sandbox' });
    await waitFor(() => expect(sandboxes.find('ada', 'one')).toBe('starting'));
    await sandboxes.end('ada', 'one');
    await outcome;
    expect(await spawner.list()).toEqual([]);
  });

  it('of a sandbox that dies at once is told apart from one that failed', async () => {
    const { sandboxes, gone, facts } = await keeper({ misfortune: 'dies' });
    await sandboxes.open('ada', 'one');
    await waitFor(() => expect(gone).toEqual(['ada one exited']));
    expect(sandboxes.find('ada', 'one')).toBeUndefined();
    expect(facts.map(([, event]) => event.type)).toEqual(['lab-started', 'lab-ended']);
  });

  it('finds no room beyond the capacity, also when all start in the same moment', async () => {
    const { sandboxes } = await keeper({ capacity: 3 });
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e'].map((learner) => sandboxes.open(learner, 'one')),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    await sandboxes.end('a', 'one');
    await sandboxes.open('d', 'one');
  });
});

describe('a reset', () => {
  it('holds the place, so that nobody slips in between', async () => {
    const { sandboxes, spawner, facts, gone } = await keeper({ capacity: 1 });
    const { sandbox: before } = await sandboxes.open('ada', 'one');
    const [reset, joined, other] = await Promise.allSettled([
      sandboxes.reset('ada', 'one'),
      sandboxes.open('ada', 'one'),
      sandboxes.open('bob', 'one'),
    ]);
    expect(reset.status).toBe('fulfilled');
    expect(joined).toMatchObject({ value: { found: false } });
    expect(other).toMatchObject({ reason: { code: 'out-of-capacity' } });
    expect(sandboxes.find('ada', 'one')).not.toBe(before);
    expect(await spawner.list()).toHaveLength(1);
    expect(gone).toEqual(['ada one reset']);
    expect(facts.map(([, event]) => event.type)).toEqual(['lab-started', 'lab-reset']);
  });

  it('that can’t remove the old sandbox keeps it', async () => {
    const { sandboxes, spawner } = await keeper();
    const { sandbox } = await sandboxes.open('ada', 'one');
    spawner.misfortune = 'broken';
    await expect(sandboxes.reset('ada', 'one')).rejects.toMatchObject({ code: 'engine-lost' });
    spawner.misfortune = undefined;
    await waitFor(() => expect(sandboxes.engine).toBe('ready'));
    expect(sandboxes.find('ada', 'one')).toBe(sandbox);
  });
});

describe('the end', () => {
  it('comes when the label’s time is over, after two warnings', async () => {
    let time = Date.now();
    const { sandboxes, spawner, facts, gone, warned } = await keeper({ now: () => new Date(time) });
    await sandboxes.open('ada', 'one');
    time += HOUR_MS - 9.5 * 60_000;
    await waitFor(() => expect(warned).toEqual([10]));
    time += 8 * 60_000;
    await waitFor(() => expect(warned).toEqual([10, 2]));
    time += 2 * 60_000;
    await waitFor(async () => expect(await spawner.list()).toEqual([]));
    expect(gone).toEqual(['ada one expired']);
    await waitFor(() =>
      expect(facts.at(-1)).toEqual(['ada', { type: 'lab-ended', lab: 'one', reason: 'expired' }]),
    );
  });

  it('by the learner is free of charge when there is nothing', async () => {
    const { sandboxes, facts } = await keeper();
    await sandboxes.end('ada', 'one');
    expect(facts).toEqual([]);
  });
});

describe('a server that starts again', () => {
  it('finds what lives, thawed and usable, and removes what is over', async () => {
    const spawner = new FakeSpawner();
    let time = Date.now();
    const before = await keeper({ spawner, labMinutes: 60, now: () => new Date(time) });
    const { sandbox } = await before.sandboxes.open('ada', 'one');
    await before.sandboxes.close();
    const short = await keeper({ spawner, labMinutes: 5, now: () => new Date(time) });
    await short.sandboxes.open('bob', 'one');
    await short.sandboxes.close();
    await expect(short.sandboxes.open('eve', 'one')).rejects.toMatchObject({ code: 'engine-missing' });
    time += 10 * 60_000;
    const after = await keeper({ spawner, now: () => new Date(time) });
    expect(after.sandboxes.find('ada', 'one')).toMatchObject({ id: sandbox.id, frozen: false });
    expect(after.sandboxes.find('bob', 'one')).toBeUndefined();
    expect(after.facts).toEqual([['bob', { type: 'lab-ended', lab: 'one', reason: 'expired' }]]);
    expect(after.living).toEqual([[sandbox.id]]);
    expect(await spawner.list()).toHaveLength(1);
  });

  it('gives up a sandbox that is no more, but never one that is only slow', async () => {
    const spawner = new FakeSpawner();
    const spec = { learner: 'ada', expiresAt: new Date(Date.now() + HOUR_MS) };
    const { signal } = new AbortController();
    const slow = await spawner.spawn({ ...spec, lab: 'one' }, signal);
    const dead = await spawner.spawn({ ...spec, lab: 'two' }, signal);
    vi.spyOn(slow, 'ready').mockRejectedValue(new Error('the engine did not answer in time'));
    vi.spyOn(dead, 'ready').mockRejectedValue(new SandboxGone('gone'));
    const { sandboxes, gone } = await keeper({ spawner });
    expect(sandboxes.find('ada', 'one')).toBe(slow);
    expect(sandboxes.find('ada', 'two')).toBeUndefined();
    expect(gone).toEqual(['ada two exited']);
    expect(await spawner.list()).toEqual([slow]);
  });

  it('keeps the newer of two sandboxes for the same lab', async () => {
    const spawner = new FakeSpawner();
    const spec = { learner: 'ada', lab: 'one', expiresAt: new Date(Date.now() + HOUR_MS) };
    await spawner.spawn(spec, new AbortController().signal);
    await waitFor(() => expect(Date.now()).toBeGreaterThan(spec.expiresAt.getTime() - HOUR_MS + 5));
    const newer = await spawner.spawn(spec, new AbortController().signal);
    const { sandboxes } = await keeper({ spawner });
    expect(sandboxes.find('ada', 'one')).toBe(newer);
    expect(await spawner.list()).toEqual([newer]);
  });

  it('asks an engine that is away until it answers', async () => {
    const { sandboxes, spawner } = await keeper({ misfortune: 'broken' });
    await expect(sandboxes.adopt(spawner)).rejects.toThrow();
    await expect(sandboxes.open('ada', 'one')).rejects.toMatchObject({ code: 'engine-lost' });
    spawner.misfortune = undefined;
    await waitFor(() => expect(sandboxes.engine).toBe('ready'));
    await sandboxes.open('ada', 'one');
  });
});

describe('an engine that was lost', () => {
  it('and came back without a sandbox has ended it', async () => {
    const { sandboxes, spawner, gone } = await keeper();
    const { sandbox } = await sandboxes.open('ada', 'one');
    await sandboxes.open('bob', 'one');
    spawner.loseEngine();
    expect(sandboxes.engine).toBe('lost');
    spawner.lose(sandbox.id);
    spawner.misfortune = undefined;
    await waitFor(() => expect(sandboxes.engine).toBe('ready'));
    expect(gone).toEqual(['ada one engine-lost']);
    expect(sandboxes.find('bob', 'one')).toMatchObject({ learner: 'bob' });
  });
});
