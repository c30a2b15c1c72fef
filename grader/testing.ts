// For the grader's own tests: checks, labs and workplaces in as few words as a test needs.
import { Duplex, Readable } from 'node:stream';
import type { Check, Verdict } from './check.ts';
import { check } from './checks/naming.ts';
import type { Lab } from './lab.ts';
import type { Workplace } from './workplace.ts';

export const pass: Verdict = { status: 'pass' };
export const fail: Verdict = {
  status: 'fail',
  expected: 'this',
  actual: 'that',
  evidence: [],
  see: 'true',
  why: 'because',
};

/** A check that comes out like this, or does that. */
export function simpleCheck(id: string, parts: Partial<Check<Verdict>> = {}): Check {
  return check<Verdict>({
    id,
    title: `About ${id}`,
    cost: 'inspect',
    probe: async () => pass,
    judge: (verdict) => verdict,
    ...parts,
  });
}

/** A lab of one task with these checks, not put through `defineLab`. */
export function simpleLab(checks: readonly Check[], parts: Partial<Lab> = {}): Lab {
  return {
    id: 'simple',
    title: 'Simple',
    goal: 'Something simple.',
    minutes: 5,
    lesson: 'none',
    images: [],
    tasks: [
      { id: 'only', title: 'The only one', points: 2, hints: ['nudge', 'concept', 'nearly there'], checks },
    ],
    mutants: [],
    ...parts,
  };
}

/** A workplace where nothing is: no engine answers, no command runs, no file is there. */
export function nowhere(parts: Partial<Workplace> = {}): Workplace {
  return {
    folder: '/nowhere',
    dial: () => {
      const pipe = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      queueMicrotask(() => pipe.destroy(new Error('nobody listens')));
      return pipe;
    },
    exec: async () => ({ exitCode: 127, stdout: '', stderr: 'nothing here', truncated: false }),
    readTar: async () => Readable.from([]),
    writeTar: async () => undefined,
    canary: (name) => `canary-of-${name}`,
    ...parts,
  };
}
