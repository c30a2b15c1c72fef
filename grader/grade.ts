// Grades a lab: runs its checks in waves by what they cost and need, streams each result as it lands, never blames the learner for our trouble.
import type { Check, CheckResult, Report, Verdict } from './check.ts';
import type { Lab, Task } from './lab.ts';
import { printable, printableValue } from './printable.ts';
import { Scene } from './scene.ts';
import type { Workplace } from './workplace.ts';

/** Checks that start processes run this many at once: on two cores more only wait for each other. */
const PROCESSES_AT_ONCE = 4;

export interface GradeOptions {
  /** Only these tasks' checks, and what they need. */
  readonly tasks?: readonly string[];
  readonly signal?: AbortSignal;
  /** Called with each result as it lands. */
  onResult?(result: CheckResult): void;
  /** Whether checks that stop or recreate something of the learner's (and put it back) may run. True unless said otherwise. */
  readonly includeDisruptive?: boolean;
}

/** Grades a lab in a workplace. Leaves nothing behind there. Rejects only if `signal` aborts. */
export async function grade(lab: Lab, workplace: Workplace, options: GradeOptions = {}): Promise<Report> {
  const startedAt = performance.now();
  const signal = options.signal ?? new AbortController().signal;
  const tasks = lab.tasks.filter((task) => options.tasks === undefined || options.tasks.includes(task.id));
  const scene = new Scene(workplace);
  try {
    const results = await runChecks(lab, tasks, scene, options, signal);
    signal.throwIfAborted();
    const scored = tasks.map((task) => ({
      id: task.id,
      points: task.points,
      passed: task.checks.every((check) => results.get(check.id)?.status === 'pass'),
    }));
    return {
      lab: lab.id,
      tasks: scored,
      points: scored.reduce((sum, task) => sum + (task.passed ? task.points : 0), 0),
      of: scored.reduce((sum, task) => sum + task.points, 0),
      results: [...results.values()],
      ms: performance.now() - startedAt,
    };
  } finally {
    await scene[Symbol.asyncDispose]();
  }
}

async function runChecks(
  lab: Lab,
  tasks: readonly Task[],
  scene: Scene,
  options: GradeOptions,
  signal: AbortSignal,
): Promise<Map<string, CheckResult>> {
  const all = lab.tasks.flatMap((task) => task.checks.map((check) => ({ task: task.id, check })));
  const wanted = new Set(tasks.flatMap((task) => task.checks.map((check) => check.id)));
  const asked = new Set(wanted);
  // What a wanted check needs is looked at as well, but not told: its result belongs to another task.
  for (let before = -1; before !== asked.size; ) {
    before = asked.size;
    for (const { check } of all) if (asked.has(check.id)) for (const need of check.needs) asked.add(need);
  }
  const outcomes = new Map<string, Promise<CheckResult>>();
  const processes = turnstile(PROCESSES_AT_ONCE);
  const exclusives = new Map<string, ReturnType<typeof turnstile>>();
  const settled = new Map<string, CheckResult>();

  function outcomeOf(id: string): Promise<CheckResult> {
    const known = outcomes.get(id);
    if (known !== undefined) return known;
    const entry = all.find(({ check }) => check.id === id);
    if (entry === undefined) throw new Error(`Check ${id} is needed but not in lab ${lab.id}.`);
    const made = settle(entry.task, entry.check).then((result) => {
      settled.set(id, result);
      if (wanted.has(id)) options.onResult?.(result);
      return result;
    });
    outcomes.set(id, made);
    return made;
  }

  async function settle(task: string, check: Check): Promise<CheckResult> {
    const startedAt = performance.now();
    const common = { id: check.id, task, title: check.title };
    const needed = await Promise.all(check.needs.map(outcomeOf));
    const unmet = needed.filter((result) => result.status !== 'pass').map((result) => result.id);
    if (unmet.length > 0)
      return {
        ...common,
        status: 'blocked',
        evidence: [],
        blockedBy: unmet,
        ms: performance.now() - startedAt,
      };
    if (check.disruptive && options.includeDisruptive === false) {
      const because = 'It stops something of yours for a moment, so it runs only when you press Check.';
      return { ...common, status: 'blocked', evidence: [], blockedBy: [], because, ms: 0 };
    }
    // Taken in one order by all, so that no two wait for each other.
    const gates = [...check.exclusive].sort().map((name) => {
      const gate = exclusives.get(name) ?? turnstile(1);
      exclusives.set(name, gate);
      return gate;
    });
    if (check.cost !== 'inspect') gates.push(processes);
    const leave: (() => void)[] = [];
    for (const gate of gates) leave.push(await gate());
    try {
      return { ...common, ...shown(await look(check, scene, signal)), ms: performance.now() - startedAt };
    } finally {
      for (const go of leave.reverse()) go();
    }
  }

  // Inspects come first, so that a learner sees the first verdicts at once; disruptive checks last, when nothing else looks.
  const order = (check: Check) => (check.disruptive ? 2 : check.cost === 'inspect' ? 0 : 1);
  for (const wave of [0, 1, 2]) {
    const inWave = all.filter(({ check }) => asked.has(check.id) && order(check) === wave);
    await Promise.all(inWave.map(({ check }) => outcomeOf(check.id)));
  }
  return new Map(
    all.flatMap(({ check }) => {
      const result = settled.get(check.id);
      return wanted.has(check.id) && result !== undefined ? [[check.id, result] as const] : [];
    }),
  );
}

type Look = Verdict | { readonly status: 'error'; readonly because: string };

/** Probes and judges within the check's time; whatever goes wrong in here is ours. */
async function look(check: Check, scene: Scene, signal: AbortSignal): Promise<Look> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  // A real timer: AbortSignal.timeout() does not hold the process, which could then end silently in the middle.
  const late = new Promise<Look>((resolve) => {
    timer = setTimeout(() => {
      stop.abort(new Error('its time was over'));
      resolve({
        status: 'error',
        because: `The grader gave up after ${check.timeoutMs / 1000} s. That is not your fault; check again.`,
      });
    }, check.timeoutMs);
  });
  const both = AbortSignal.any([signal, stop.signal]);
  const looked = (async (): Promise<Look> => {
    try {
      return check.judge(await check.probe(scene, both));
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      return { status: 'error', because: `The grader stumbled: ${words}` };
    }
  })();
  try {
    return await Promise.race([looked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A verdict as it may be shown: whatever came from the learner's engine is bounded and cannot move a cursor. */
function shown(verdict: Look): Omit<CheckResult, 'id' | 'task' | 'title' | 'ms'> {
  switch (verdict.status) {
    case 'pass':
      return {
        status: 'pass',
        evidence: safe(verdict.evidence),
        ...(verdict.actual === undefined ? {} : { actual: printable(verdict.actual) }),
      };
    case 'fail':
      return {
        status: 'fail',
        expected: printable(verdict.expected),
        actual: printable(verdict.actual),
        evidence: safe(verdict.evidence),
        see: printable(verdict.see),
        why: printable(verdict.why),
        ...(verdict.misconception === undefined ? {} : { misconception: verdict.misconception }),
      };
    case 'blocked':
      return { status: 'blocked', evidence: [], blockedBy: [], because: printable(verdict.because) };
    case 'error':
      return { status: 'error', evidence: [], because: printable(verdict.because) };
    default:
      return verdict satisfies never;
  }
}

/** Pieces of evidence told of one check; more would be a list nobody reads. */
const EVIDENCE_MOST = 12;

function safe(evidence: CheckResult['evidence'] = []): CheckResult['evidence'] {
  return evidence.slice(0, EVIDENCE_MOST).map(({ api, field, value }) => ({
    api: printable(api),
    field: printable(field),
    value: printableValue(value),
  }));
}

/** Lets `places` in at once; the rest wait in the order they came. Resolves with the way out. */
function turnstile(places: number): () => Promise<() => void> {
  let free = places;
  const waiting: (() => void)[] = [];
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((enter) => waiting.push(enter));
    let gone = false;
    return () => {
      if (!gone) leave();
      gone = true;
    };
  };
}
