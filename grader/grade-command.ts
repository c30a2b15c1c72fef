// `npm run grade -- LAB`: grades a lab on your own Docker engine, in your own terminal.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { grade } from './grade.ts';
import type { Lab } from './lab.ts';
import { labNames, loadLab } from './load-labs.ts';
import { NoEngine, ownMachine } from './own-machine.ts';
import { packOverlay } from './pack.ts';
import { type Painter, painter, reportLine, reportSummary } from './report-text.ts';
import type { Workplace } from './workplace.ts';

const LABS_FOLDER = resolve(import.meta.dirname, '../labs');
const USAGE = `Usage: npm run grade -- LAB [--task TASK] [--folder FOLDER] [--start]

  LAB        which lab: ${labNames(LABS_FOLDER).join(', ')}
  --task     only this task of it
  --folder   your project folder (the current one unless said otherwise)
  --start    puts the lab's start files into that folder first; it must be empty or new`;

/** What went wrong is the caller's to mend: it is told as it is, without a stack. */
class Misused extends Error {}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Misused || error instanceof NoEngine)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

async function main(args: readonly string[]): Promise<number> {
  const { name, task, folder, start } = parse(args);
  const lab = await labNamed(name);
  if (task !== undefined && !lab.tasks.some(({ id }) => id === task))
    throw new Misused(
      `${lab.id} has no task "${task}". It has: ${lab.tasks.map(({ id }) => id).join(', ')}.`,
    );
  const workplace = await ownMachine(folder);
  if (start) {
    await furnish(lab, workplace);
    console.log(
      `The start files of “${lab.title}” are in ${folder}. Do the tasks there, then grade without --start.`,
    );
    return 0;
  }
  const paint = painter(process.stdout.isTTY && !process.env.NO_COLOR);
  console.log(paint.strong(`\n${lab.title}`));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Misused('Stopped. What the grader had started is removed.')));
  const report = await grade(lab, workplace, {
    signal: stop.signal,
    onResult: (result) => console.log(reportLine(result, paint)),
    ...(task === undefined ? {} : { tasks: [task] }),
  });
  console.log(reportSummary(lab, report, paint satisfies Painter));
  return report.tasks.every(({ passed }) => passed) ? 0 : 1;
}

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        task: { type: 'string' },
        folder: { type: 'string' },
        start: { type: 'boolean' },
      },
    });
    const [name, ...others] = positionals;
    if (name === undefined || others.length > 0) throw new Misused(USAGE);
    // npm runs scripts in the project's own folder and says in INIT_CWD where you stood.
    const folder = resolve(process.env.INIT_CWD ?? process.cwd(), values.folder ?? '.');
    return { name, task: values.task, folder, start: values.start ?? false };
  } catch (error) {
    if (error instanceof Misused) throw error;
    throw new Misused(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

async function labNamed(name: string): Promise<Lab> {
  if (!labNames(LABS_FOLDER).includes(name))
    throw new Misused(`There is no lab "${name}". There are: ${labNames(LABS_FOLDER).join(', ')}.`);
  return await loadLab(LABS_FOLDER, name);
}

/** Puts the start files into an empty folder and runs the lab's `start.sh` there, with its canaries. */
async function furnish(lab: Lab, workplace: Workplace): Promise<void> {
  mkdirSync(workplace.folder, { recursive: true });
  if (readdirSync(workplace.folder).length > 0)
    throw new Misused(
      `${workplace.folder} is not empty, and nothing in it was touched. Name a new folder: --folder orchard.`,
    );
  const from = join(LABS_FOLDER, lab.id, 'start');
  await workplace.writeTar(workplace.folder, await packOverlay(from, ['start.sh']));
  const script = join(from, 'start.sh');
  if (!existsSync(script)) return;
  const text = readFileSync(script, 'utf8');
  const canaries = Object.fromEntries(
    [...text.matchAll(/CANARY_([A-Z][A-Z0-9_]*)/g)].map(([variable, name]) => [
      variable,
      workplace.canary(name ?? ''),
    ]),
  );
  const outcome = await workplace.exec(['bash', '-eu', '-s'], { input: text, env: canaries });
  if (outcome.exitCode !== 0)
    throw new Misused(
      `The lab's start.sh ended with ${outcome.exitCode}: ${(outcome.stdout + outcome.stderr).trim()}`,
    );
}
