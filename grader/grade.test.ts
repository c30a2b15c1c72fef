import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Check, CheckResult, Verdict } from './check.ts';
import { grade } from './grade.ts';
import { fail, nowhere, pass, simpleCheck, simpleLab } from './testing.ts';

const statuses = (results: readonly CheckResult[]) =>
  Object.fromEntries(results.map(({ id, status }) => [id, status]));

test('a task gives its points only when all its checks pass', async () => {
  const all = await grade(simpleLab([simpleCheck('a'), simpleCheck('b')]), nowhere());
  expect(all).toMatchObject({ points: 2, of: 2, tasks: [{ id: 'only', passed: true }] });
  const some = await grade(simpleLab([simpleCheck('a'), simpleCheck('b', { judge: () => fail })]), nowhere());
  expect(some).toMatchObject({ points: 0, of: 2, tasks: [{ id: 'only', passed: false }] });
});

test('what needs a failed check is blocked by it and is not looked at', async () => {
  let looked = false;
  const { results } = await grade(
    simpleLab([
      simpleCheck('image.exists', { judge: () => fail }),
      simpleCheck('image.small', {
        needs: ['image.exists'],
        probe: async () => {
          looked = true;
          return pass;
        },
      }),
    ]),
    nowhere(),
  );
  expect(results[1]).toMatchObject({ status: 'blocked', blockedBy: ['image.exists'] });
  expect(looked).toBe(false);
});

test('a probe or a judge that throws is the grader’s error, and the other checks go on', async () => {
  const { results } = await grade(
    simpleLab([
      simpleCheck('probe', { probe: () => Promise.reject(new Error('the engine went away')) }),
      simpleCheck('judge', {
        judge: () => {
          throw new Error('unforeseen');
        },
      }),
      simpleCheck('sound'),
    ]),
    nowhere(),
  );
  expect(statuses(results)).toEqual({ probe: 'error', judge: 'error', sound: 'pass' });
  expect(results[0]?.because).toBe('The grader stumbled: the engine went away');
});

test('a check that hangs becomes an error when its time is over', async () => {
  const hangs = simpleCheck('hangs', { timeoutMs: 30, probe: () => new Promise<Verdict>(() => undefined) });
  const { results } = await grade(simpleLab([hangs]), nowhere());
  expect(results[0]).toMatchObject({ status: 'error' });
  expect(results[0]?.because).toMatch(/gave up after 0.03 s/);
});

test('an engine that does not answer is an error of the grader and never a fail', async () => {
  const asks = simpleCheck('asks', {
    probe: async (scene) => ((await scene.image('etl:dev')) === undefined ? fail : pass),
  });
  const { results } = await grade(simpleLab([asks]), nowhere());
  expect(results[0]?.status).toBe('error');
  expect(results[0]?.because).toMatch(/did not answer GET \/version: nobody listens/);
});

test('disruptive checks wait until somebody presses Check', async () => {
  const lab = simpleLab([simpleCheck('stops-it', { disruptive: true })]);
  const live = await grade(lab, nowhere(), { includeDisruptive: false });
  expect(live.results[0]).toMatchObject({ status: 'blocked', blockedBy: [] });
  const asked = await grade(lab, nowhere(), { includeDisruptive: true });
  expect(asked.results[0]?.status).toBe('pass');
});

test('one task can be graded alone; what it needs from another is looked at but not told', async () => {
  const lab = simpleLab([], {
    tasks: [
      {
        id: 'first',
        title: '',
        points: 1,
        hints: ['', '', ''],
        checks: [simpleCheck('a', { judge: () => fail })],
      },
      {
        id: 'second',
        title: '',
        points: 1,
        hints: ['', '', ''],
        checks: [simpleCheck('b', { needs: ['a'] })],
      },
    ],
  });
  const told: string[] = [];
  const report = await grade(lab, nowhere(), { tasks: ['second'], onResult: ({ id }) => told.push(id) });
  expect(told).toEqual(['b']);
  expect(statuses(report.results)).toEqual({ b: 'blocked' });
  expect(report.of).toBe(1);
});

test('results are told as they land, the quick ones first', async () => {
  const told: string[] = [];
  const landed = Promise.withResolvers<void>();
  const slow = simpleCheck('slow', {
    cost: 'container',
    probe: async () => {
      await landed.promise;
      return pass;
    },
  });
  await grade(simpleLab([slow, simpleCheck('quick')]), nowhere(), {
    onResult: ({ id }) => {
      told.push(id);
      landed.resolve();
    },
  });
  expect(told).toEqual(['quick', 'slow']);
});

test('what a learner’s container wrote is bounded and cannot move a cursor', async () => {
  const { results } = await grade(
    simpleLab([
      simpleCheck('says', {
        judge: () => ({
          status: 'fail',
          expected: 'this',
          see: 'true',
          why: 'because',
          actual: `\x1b[2J\x1b]0;owned\x07${'x'.repeat(5_000)}`,
          evidence: [{ api: 'GET /x', field: '.y', value: { deep: '\x1b[31mred' } }],
        }),
      }),
    ]),
    nowhere(),
  );
  expect(results[0]?.actual).toMatch(/^x{1000}…$/);
  expect(JSON.stringify(results[0]?.evidence)).not.toContain('\\u001b');
});

test('an aborted grade rejects', async () => {
  const stop = new AbortController();
  const graded = grade(
    simpleLab([
      simpleCheck('stops', {
        probe: async () => {
          stop.abort(new Error('the learner left'));
          return pass;
        },
      }),
    ]),
    nowhere(),
    { signal: stop.signal },
  );
  await expect(graded).rejects.toThrow('the learner left');
});

test('checks that share an exclusive thing never look at the same time, whatever the lab', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          exclusive: fc.subarray(['container:a', 'container:b', 'volume:c']),
          cost: fc.constantFrom('inspect' as const, 'container' as const),
        }),
        { maxLength: 10 },
      ),
      async (specs) => {
        const touched = new Set<string>();
        const checks = specs.map(({ exclusive, cost }, index) =>
          simpleCheck(`c${index}`, {
            exclusive,
            cost,
            probe: async () => {
              for (const thing of exclusive) {
                expect(touched).not.toContain(thing);
                touched.add(thing);
              }
              await Promise.resolve();
              for (const thing of exclusive) touched.delete(thing);
              return pass;
            },
          }),
        );
        const { results } = await grade(simpleLab(checks), nowhere());
        expect(results.every(({ status }) => status === 'pass')).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});

test('every check comes out exactly once, and is blocked exactly if something it needs did not pass', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ needs: fc.array(fc.nat({ max: 20 }), { maxLength: 3 }), ok: fc.boolean() }), {
        minLength: 1,
        maxLength: 12,
      }),
      async (specs) => {
        // Only earlier checks are needed, so that no circle can be.
        const needsOf = (index: number) => [...new Set(specs[index]?.needs.filter((need) => need < index))];
        const checks: Check[] = specs.map(({ ok }, index) =>
          simpleCheck(`c${index}`, {
            needs: needsOf(index).map((need) => `c${need}`),
            judge: () => (ok ? pass : fail),
          }),
        );
        const { results } = await grade(simpleLab(checks), nowhere());
        expect(results.map(({ id }) => id)).toEqual(checks.map(({ id }) => id));
        const passed = (index: number) => results[index]?.status === 'pass';
        for (const [index, { ok }] of specs.entries()) {
          const unmet = needsOf(index).some((need) => !passed(need));
          expect(results[index]?.status).toBe(unmet ? 'blocked' : ok ? 'pass' : 'fail');
        }
      },
    ),
    { numRuns: 100 },
  );
});
