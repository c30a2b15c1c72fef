// A Check from the button to the memory.
import { describe, expect, it } from 'vitest';
import type { CheckEvent } from '../protocol.ts';
import { createGrading, type Grade } from './grading.ts';
import { silentLog } from './log.ts';
import { openStore } from './store.ts';
import { FakeSpawner, inOneHour } from './testing.ts';
import { fakeGrade, LABS } from './testing-server.ts';

async function bench(grade: Grade) {
  const store = openStore(':memory:');
  const grading = createGrading({ grade, store, log: silentLog });
  const spec = { learner: 'ada', lab: 'one', expiresAt: inOneHour() };
  const workplace = await new FakeSpawner().spawn(spec, new AbortController().signal);
  const lab = LABS.get('one');
  if (lab === undefined) throw new Error('The lab is there.');
  const events: CheckEvent[] = [];
  const check = (task?: string) =>
    grading.check({ learner: 'ada', lab, task, workplace }, (event) => events.push(event));
  return { store, grading, workplace, events, check };
}

describe('a check', () => {
  it('leaves facts: results, failures with their misconception, and each passed task once', async () => {
    const { store, check } = await bench(fakeGrade({ 'image.small': 'fail' }));
    await check();
    await check('run');
    expect(
      (await store.events('ada')).map(({ id: _id, at: _at, learner: _learner, ...fact }) => fact),
    ).toEqual([
      { type: 'check-failed', lab: 'one', check: 'image.small', misconception: 'MC-01' },
      { type: 'task-passed', lab: 'one', task: 'run', points: 5 },
    ]);
    expect(await store.lastChecked('ada', 'one')).toHaveLength(2);
  });

  it('is one at a time', async () => {
    const gate = Promise.withResolvers<void>();
    const { check, events } = await bench(async (...all) => {
      await gate.promise;
      return fakeGrade()(...all);
    });
    const first = check();
    expect(() => check()).toThrow(/still running/);
    gate.resolve();
    await first;
    await check();
    expect(events.filter(({ type }) => type === 'finished')).toHaveLength(2);
  });

  it('that stumbles costs nothing and says so', async () => {
    const { check, events, store } = await bench(async () => {
      throw new Error('a secret of ours');
    });
    await check();
    expect(events.at(-1)).toMatchObject({ type: 'problem', problem: { error: { code: 'internal' } } });
    expect(JSON.stringify(events)).not.toContain('secret');
    expect(await store.events('ada')).toEqual([]);
    await check();
  });

  it('stops when its sandbox goes, even if the grader does not', async () => {
    const { check, events, grading, workplace, store } = await bench(() => new Promise(() => {}));
    const done = check();
    await grading.stop('another');
    expect(events).toHaveLength(1);
    await grading.stop(workplace.id);
    await done;
    expect(events.at(-1)).toMatchObject({ type: 'problem', problem: { error: { code: 'no-sandbox' } } });
    expect(await store.events('ada')).toEqual([]);
  });

  it('keeps no more of what a container says than a page can show', async () => {
    const long = 'x'.repeat(1_000_000);
    const { check, events, store } = await bench(async (lab, workplace, options) => {
      const report = await fakeGrade()(lab, workplace, {});
      const results = report.results.map((result) => ({
        ...result,
        actual: long,
        evidence: Array.from({ length: 100 }, () => ({
          api: 'GET /x',
          field: '.y',
          value: { deep: [long] },
        })),
      }));
      for (const result of results) options.onResult?.(result);
      return { ...report, results };
    });
    await check();
    expect(JSON.stringify(events).length).toBeLessThan(400_000);
    expect(JSON.stringify(await store.lastChecked('ada', 'one')).length).toBeLessThan(400_000);
  });
});
