// A Check, from the button to the memory: one at a time per learner and lab, told as it goes, kept when it is done.
import type { CheckResult, Report } from '../../grader/check.ts';
import type { Lab } from '../../grader/lab.ts';
import type { Workplace } from '../../grader/workplace.ts';
import type { CheckEvent } from '../protocol.ts';
import type { LearningEvent } from './events.ts';
import type { Log } from './log.ts';
import { labStateOf } from './progress.ts';
import { internalRefusal, Refusal } from './refusal.ts';
import type { Store } from './store.ts';

/** The grader's one function, as this server calls it. */
export type Grade = (
  lab: Lab,
  workplace: Workplace,
  options: {
    tasks?: readonly string[];
    signal?: AbortSignal;
    onResult?(result: CheckResult): void;
    includeDisruptive?: boolean;
  },
) => Promise<Report>;

export interface CheckRequest {
  readonly learner: string;
  readonly lab: Lab;
  /** Without one, all tasks are checked. */
  readonly task: string | undefined;
  readonly workplace: Workplace & { readonly id: string };
}

export interface Grading {
  /**
   * Starts a check; throws a `Refusal` at once if one is under way. The promise never rejects: trouble on the way is
   * told as a `problem`. The check runs to its end and is kept even if nobody listens any more.
   */
  check(request: CheckRequest, tell: (event: CheckEvent) => void): Promise<void>;
  /** Stops the checks that look at this sandbox, or all; resolves when they have stopped. */
  stop(sandboxId?: string): Promise<void>;
}

/** A whole lab takes two seconds; whatever takes this long hangs. */
const CHECK_DEADLINE_MS = 180_000;
/** Results quote what a learner's own containers said, so each text and each value is cut at this length. */
const TEXT_MOST_CHARACTERS = 4000;
const EVIDENCE_MOST_ENTRIES = 20;

export function createGrading(options: {
  readonly grade: Grade;
  readonly store: Pick<Store, 'append' | 'events'>;
  readonly log: Log;
}): Grading {
  const { grade, store, log } = options;
  const running = new Map<string, { sandboxId: string; abort: AbortController; done: Promise<void> }>();

  async function run(
    request: CheckRequest,
    signal: AbortSignal,
    tell: (event: CheckEvent) => void,
  ): Promise<void> {
    const { learner, lab, task, workplace } = request;
    const tasks = lab.tasks.filter(({ id }) => task === undefined || id === task);
    tell({
      type: 'started',
      checks: tasks.flatMap(({ id, checks }) =>
        checks.map((check) => ({ id: check.id, task: id, title: check.title })),
      ),
    });
    try {
      const report = await grade(lab, workplace, {
        ...(task === undefined ? {} : { tasks: [task] }),
        signal,
        includeDisruptive: true,
        onResult: (result) => tell({ type: 'result', result: bounded(result) }),
      });
      signal.throwIfAborted();
      const before = await store.events(learner);
      const facts = factsOf(report, tasks, labStateOf(lab, before, []).passedTasks);
      await store.append(learner, facts);
      const { passedTasks, points, of } = labStateOf(lab, await store.events(learner), []);
      tell({ type: 'finished', passedTasks, points, of, ms: report.ms });
    } catch (error) {
      const refusal = signal.reason instanceof Refusal ? signal.reason : internalRefusal(error);
      if (refusal.code === 'internal') log.error(error, 'A check could not be finished');
      tell({ type: 'problem', problem: refusal.problem });
    }
  }

  return {
    check(request, tell) {
      const key = `${request.learner} ${request.lab.id}`;
      if (running.has(key)) {
        throw new Refusal('check-under-way', 'Your last check is still running; nothing was started twice.', {
          next: 'Wait a few seconds for its result.',
          retryAfterSeconds: 2,
        });
      }
      const abort = new AbortController();
      const deadline = setTimeout(() => abort.abort(tooSlow()), CHECK_DEADLINE_MS);
      const stopped = new Promise<void>((resolve) => {
        abort.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      let over = false;
      const listener = (event: CheckEvent) => {
        if (!over) tell(event);
      };
      // A grader that does not heed its signal must not hold the learner up.
      const given = stopped.then(() => {
        const { reason } = abort.signal;
        listener({
          type: 'problem',
          problem: (reason instanceof Refusal ? reason : internalRefusal(reason)).problem,
        });
      });
      const done = Promise.race([run(request, abort.signal, listener), given]).finally(() => {
        over = true;
        clearTimeout(deadline);
        running.delete(key);
      });
      running.set(key, { sandboxId: request.workplace.id, abort, done });
      return done;
    },

    async stop(sandboxId) {
      const stopping = [...running.values()].filter(
        (one) => sandboxId === undefined || one.sandboxId === sandboxId,
      );
      for (const { abort } of stopping) abort.abort(sandboxId === undefined ? serverStops() : sandboxLeft());
      await Promise.all(stopping.map(({ done }) => done));
    },
  };
}

/** What a report adds to the memory. `passed` are the tasks that passed before: each gives its points once. */
function factsOf(report: Report, tasks: Lab['tasks'], passed: readonly string[]): LearningEvent[] {
  const lab = report.lab;
  const facts: LearningEvent[] = [];
  for (const { id, points } of tasks) {
    const results = report.results.filter((result) => result.task === id).map(bounded);
    facts.push({ type: 'checked', lab, task: id, results });
    for (const { id: check, status, misconception } of results) {
      if (status !== 'fail') continue;
      facts.push({
        type: 'check-failed',
        lab,
        check,
        ...(misconception === undefined ? {} : { misconception }),
      });
    }
    const now = report.tasks.some((task) => task.id === id && task.passed);
    if (now && !passed.includes(id)) facts.push({ type: 'task-passed', lab, task: id, points });
  }
  return facts;
}

function bounded(result: CheckResult): CheckResult {
  const texts: { -readonly [Key in 'expected' | 'actual' | 'see' | 'why' | 'because']?: string } = {};
  for (const key of ['expected', 'actual', 'see', 'why', 'because'] as const) {
    const text = result[key];
    if (text !== undefined) texts[key] = cut(text);
  }
  const evidence = result.evidence.slice(0, EVIDENCE_MOST_ENTRIES).map(({ api, field, value }) => {
    const written = JSON.stringify(value) ?? 'null';
    return {
      api: cut(api),
      field: cut(field),
      value: written.length <= TEXT_MOST_CHARACTERS ? value : cut(written),
    };
  });
  return { ...result, ...texts, evidence };
}

function cut(text: string): string {
  return text.length <= TEXT_MOST_CHARACTERS ? text : `${text.slice(0, TEXT_MOST_CHARACTERS)}…`;
}

function tooSlow(): Refusal {
  return new Refusal(
    'internal',
    `The check took longer than ${CHECK_DEADLINE_MS / 60_000} minutes and was stopped. It counts for nothing; your work was not touched.`,
    { next: 'See whether a command still runs in your terminal, then check again.' },
  );
}

function serverStops(): Refusal {
  return new Refusal(
    'engine-missing',
    'Slipway is being stopped, and the check with it. Your container is kept.',
    {
      next: 'Check again when it has been started again.',
    },
  );
}

function sandboxLeft(): Refusal {
  return new Refusal('no-sandbox', 'Your container went away during the check, so there is no result.', {
    next: 'Start the lab again and check once more. Tasks that passed before stay passed.',
  });
}
