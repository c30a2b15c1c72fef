// The gate for a lab: the untouched start passes nothing, the reference and the alternatives pass, each mutant fails exactly where it should.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult, Report, Status } from './check.ts';
import { grade } from './grade.ts';
import { inventoryOf } from './inventory.ts';
import type { Lab } from './lab.ts';
import { packOverlay } from './pack.ts';
import type { ExecResult, Workplace } from './workplace.ts';

export type CaseKind = 'start' | 'reference' | 'alternative' | 'mutant';

/** One state that a lab was put into, and what the grader said of it. */
export interface ProofCase {
  readonly kind: CaseKind;
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  /** Of checks whose outcome is foreseen. Later tasks of an unfinished reference are not: they only must not pass whole. */
  readonly expected: Readonly<Record<string, Status>>;
  readonly actual: Readonly<Record<string, Status>>;
  /** What is wrong, in sentences; empty if `ok`. */
  readonly problems: readonly string[];
  /** How long each grade of it took, in ms. */
  readonly gradeMs: readonly number[];
}

export interface LabProof {
  readonly id: string;
  readonly ok: boolean;
  readonly cases: readonly ProofCase[];
}

export interface ProveOptions {
  readonly signal?: AbortSignal;
  /** Workplaces in use at once. */
  readonly lanes?: number;
  /** Only cases whose name contains this. */
  readonly only?: string;
  onCase?(proven: ProofCase): void;
}

/** Opens a fresh workplace with the lab's start files in place; it is disposed of after its case. */
export type OpenWorkplace = () => Promise<Workplace & AsyncDisposable>;

/** Two sandboxes keep two cores busy; a third only slows both down. */
const LANES = 2;
/** Script in `solution/` that does in one go what the steps do, over all their files: for mutants, which start from the end. */
const AT_ONCE = 'at-once.sh';
/** A solution's script builds an image or starts a stack; this long it hangs. */
const SCRIPT_DEADLINE_MS = 180_000;
/** A `see` command answers at once, or builds at most. */
const SEE_DEADLINE_MS = 60_000;
/** How bash says that there is no such command. */
const COMMAND_NOT_FOUND = 127;

/** Proves one lab. Rejects only if `signal` aborts; a case that can't be tried is a case that is not ok. */
export async function prove(
  lab: Lab,
  labFolder: string,
  openWorkplace: OpenWorkplace,
  options: ProveOptions = {},
): Promise<LabProof> {
  const proof = new Proof(lab, labFolder, openWorkplace, options);
  const cases = await proof.run();
  options.signal?.throwIfAborted();
  return { id: lab.id, ok: cases.length > 0 && cases.every((one) => one.ok), cases };
}

/** What every check must come out as if exactly `fails` fail: what needs them is blocked, all else passes. */
export function foreseen(lab: Lab, fails: readonly string[]): Record<string, Status> {
  const checks = lab.tasks.flatMap((task) => task.checks);
  const statusOf = (id: string): Status => {
    const needs = checks.find((check) => check.id === id)?.needs ?? [];
    if (needs.some((need) => statusOf(need) !== 'pass')) return 'blocked';
    return fails.includes(id) ? 'fail' : 'pass';
  };
  return Object.fromEntries(checks.map(({ id }) => [id, statusOf(id)]));
}

/** Where a report differs from what was foreseen, as sentences. */
export function differences(
  expected: Readonly<Record<string, Status>>,
  results: readonly CheckResult[],
): string[] {
  return Object.entries(expected).flatMap(([id, status]) => {
    const result = results.find((one) => one.id === id);
    if (result?.status === status) return [];
    const because = result?.because ?? result?.actual;
    const found = result === undefined ? 'was not run' : `came out ${result.status}`;
    return [`${id} should be ${status} but ${found}${because === undefined ? '' : ` (${because})`}.`];
  });
}

class Proof {
  readonly #lab: Lab;
  readonly #folder: string;
  readonly #open: OpenWorkplace;
  readonly #options: ProveOptions;
  readonly #cases: ProofCase[] = [];

  constructor(lab: Lab, folder: string, open: OpenWorkplace, options: ProveOptions) {
    this.#lab = lab;
    this.#folder = folder;
    this.#open = open;
    this.#options = options;
  }

  async run(): Promise<ProofCase[]> {
    const steps = this.#steps();
    const works: (() => Promise<void>)[] = [
      () => this.#startAndReference(steps),
      ...foldersIn(join(this.#folder, 'alternatives')).map((name) => () => this.#alternative(name)),
      ...this.#lab.mutants.map((mutant) => () => this.#mutant(mutant, steps)),
    ];
    const unknown = foldersIn(join(this.#folder, 'mutants')).filter(
      (name) => !this.#lab.mutants.some((mutant) => mutant.name === name),
    );
    for (const name of unknown) {
      const problem = `mutants/${name} is not in lab.ts; add { name: '${name}', title: '…', fails: ['…'] }.`;
      this.#tell({
        kind: 'mutant',
        name,
        ok: false,
        seconds: 0,
        expected: {},
        actual: {},
        problems: [problem],
        gradeMs: [],
      });
    }
    const lanes = Array.from({ length: this.#options.lanes ?? LANES }, async () => {
      for (let work = works.shift(); work !== undefined; work = works.shift()) {
        if (this.#options.signal?.aborted) return;
        await work();
      }
    });
    await Promise.all(lanes);
    return this.#cases;
  }

  /** The solution's folders in order, each with the task that is done after it. */
  #steps(): { folder: string; name: string; task: number }[] {
    const solution = join(this.#folder, 'solution');
    return foldersIn(solution).map((name) => {
      const task = this.#lab.tasks.findIndex(({ id }) => name.replace(/^\d+-/, '') === id);
      if (task === -1)
        throw new Error(
          `labs/${this.#lab.id}/solution/${name} names no task. Expected a number and a task's id, such as 1-${this.#lab.tasks[0]?.id}.`,
        );
      return { folder: join(solution, name), name, task };
    });
  }

  async #startAndReference(steps: readonly { folder: string; name: string; task: number }[]): Promise<void> {
    const wanted = (name: string) => name.includes(this.#options.only ?? '');
    if (![...steps.map(({ name }) => name), 'start', 'again'].some(wanted)) return;
    await this.#inWorkplace('start', 'start', async (workplace) => {
      const start = await this.#graded(workplace);
      const expected = foreseen(
        this.#lab,
        this.#lab.tasks.flatMap((task) => task.checks.map(({ id }) => id)),
      );
      this.#tell(
        start.case('start', 'start', expected, [
          ...differences(expected, start.report.results),
          ...(await this.#seen(workplace, start.report)),
        ]),
      );
      for (const [index, step] of steps.entries()) {
        const trouble = await this.#apply(workplace, step.folder, 'solve.sh');
        const isLast = index === steps.length - 1;
        const graded = await this.#graded(workplace);
        const done = this.#lab.tasks.slice(0, step.task + 1);
        const passes = Object.fromEntries(
          done.flatMap(({ checks }) => checks.map(({ id }) => [id, 'pass' as const])),
        );
        const tooEarly = graded.report.tasks
          .slice(step.task + 1)
          .filter(({ passed }) => passed)
          .map(({ id }) => `task ${id} passes already, before its own step.`);
        const again = isLast ? await this.#graded(workplace) : undefined;
        const unlike =
          again === undefined ? [] : differences(statusesOf(graded.report), again.report.results);
        this.#tell({
          ...graded.case('reference', step.name, passes, [
            ...trouble,
            ...differences(passes, graded.report.results),
            ...tooEarly,
            ...unlike.map((sentence) => `Graded a second time: ${sentence}`),
            ...(again?.leftovers ?? []),
          ]),
          ...(again === undefined ? {} : { gradeMs: [graded.report.ms, again.report.ms] }),
        });
      }
    });
  }

  async #alternative(name: string): Promise<void> {
    await this.#inWorkplace('alternative', name, async (workplace) => {
      const trouble = await this.#apply(workplace, join(this.#folder, 'alternatives', name), 'solve.sh');
      const expected = foreseen(this.#lab, []);
      const graded = await this.#graded(workplace);
      this.#tell(
        graded.case('alternative', name, expected, [
          ...trouble,
          ...differences(expected, graded.report.results),
        ]),
      );
    });
  }

  async #mutant(mutant: Lab['mutants'][number], steps: readonly { folder: string }[]): Promise<void> {
    await this.#inWorkplace('mutant', mutant.name, async (workplace) => {
      const trouble: string[] = [];
      trouble.push(...(await this.#solve(workplace, steps)));
      trouble.push(...(await this.#apply(workplace, join(this.#folder, 'mutants', mutant.name), 'apply.sh')));
      const expected = foreseen(this.#lab, mutant.fails);
      const graded = await this.#graded(workplace);
      this.#tell(
        graded.case('mutant', mutant.name, expected, [
          ...trouble,
          ...differences(expected, graded.report.results),
          ...(await this.#seen(workplace, graded.report)),
        ]),
      );
    });
  }

  /** Runs a case in a workplace of its own; whatever throws becomes a case that is not ok. */
  async #inWorkplace(
    kind: CaseKind,
    name: string,
    work: (workplace: Workplace) => Promise<void>,
  ): Promise<void> {
    if (kind !== 'start' && !name.includes(this.#options.only ?? '')) return;
    try {
      await using workplace = await this.#open();
      await work(workplace);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#tell({
        kind,
        name,
        ok: false,
        seconds: 0,
        expected: {},
        actual: {},
        problems: [problem],
        gradeMs: [],
      });
    }
  }

  /** The finished solution: at once where the lab says how, else step by step. */
  async #solve(workplace: Workplace, steps: readonly { folder: string }[]): Promise<string[]> {
    const script = join(this.#folder, 'solution', AT_ONCE);
    if (!existsSync(script)) {
      const trouble: string[] = [];
      for (const step of steps) trouble.push(...(await this.#apply(workplace, step.folder, 'solve.sh')));
      return trouble;
    }
    for (const step of steps)
      await workplace.writeTar(workplace.folder, await packOverlay(step.folder, ['solve.sh']));
    return await this.#run(workplace, script);
  }

  /** Puts a folder's files into the project and runs its script there. */
  async #apply(workplace: Workplace, folder: string, script: string): Promise<string[]> {
    if (!existsSync(folder)) return [`There is no ${folder}.`];
    await workplace.writeTar(workplace.folder, await packOverlay(folder, [script]));
    const path = join(folder, script);
    return existsSync(path) ? await this.#run(workplace, path) : [];
  }

  /** Runs a script of the lab's in the project folder; what it says if it fails is trouble. */
  async #run(workplace: Workplace, path: string): Promise<string[]> {
    const outcome = await within(SCRIPT_DEADLINE_MS, (signal) =>
      workplace.exec(['bash', '-eu', '-s'], {
        cwd: workplace.folder,
        input: readFileSync(path, 'utf8'),
        signal,
      }),
    );
    return outcome.exitCode === 0 ? [] : [`${path} ended with ${outcome.exitCode}: ${lastWords(outcome)}`];
  }

  async #graded(workplace: Workplace) {
    const startedAt = performance.now();
    const before = await inventoryOf(workplace);
    const report = await grade(this.#lab, workplace, {
      includeDisruptive: true,
      ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
    });
    const after = await inventoryOf(workplace);
    const leftovers = before.differences(after).map((sentence) => `The grader itself: ${sentence}`);
    return {
      report,
      leftovers,
      case: (
        kind: CaseKind,
        name: string,
        expected: Readonly<Record<string, Status>>,
        found: readonly string[],
      ): ProofCase => {
        const problems = [...found, ...leftovers];
        return {
          kind,
          name,
          ok: problems.length === 0,
          seconds: Math.round(performance.now() - startedAt) / 1000,
          expected,
          actual: statusesOf(report),
          problems,
          gradeMs: [report.ms],
        };
      },
    };
  }

  /** Runs the `see` command of each failed check: a learner who pastes it must be shown something. */
  async #seen(workplace: Workplace, report: Report): Promise<string[]> {
    const problems: string[] = [];
    for (const { id, status, see } of report.results) {
      if (status !== 'fail' || see === undefined) continue;
      const outcome = await within(SEE_DEADLINE_MS, (signal) =>
        workplace.exec(['bash', '-c', see], { cwd: workplace.folder, signal }),
      );
      const said = `${outcome.stdout}${outcome.stderr}`.trim();
      if (outcome.exitCode === COMMAND_NOT_FOUND || /command not found|syntax error/.test(said))
        problems.push(`The see command of ${id} can't be run: ${see}: ${lastWords(outcome)}`);
      else if (said === '') problems.push(`The see command of ${id} shows nothing: ${see}`);
    }
    return problems;
  }

  #tell(proven: ProofCase): void {
    this.#cases.push(proven);
    this.#options.onCase?.(proven);
  }
}

function statusesOf(report: Report): Record<string, Status> {
  return Object.fromEntries(report.results.map(({ id, status }) => [id, status]));
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

function lastWords({ stdout, stderr }: ExecResult): string {
  const MOST_CHARACTERS = 600;
  return `${stdout}${stderr}`.trim().slice(-MOST_CHARACTERS);
}

/** Gives the work a signal that aborts after a time, by a timer that holds the process. */
async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(`It took longer than ${ms / 1000} s.`)), ms);
  try {
    return await work(stop.signal);
  } finally {
    clearTimeout(timer);
  }
}
