// `npm test`: every check there is, one stage after the other, from a fresh machine. The first failing stage does not stop the rest.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findProgram, installPackages } from '../engine/machine.ts';
import { progressOn } from '../engine/progress.ts';
import { buildSite } from './site.ts';

const projectFolder = resolve(import.meta.dirname, '../..');
const progress = progressOn(process.stderr);
const reports = join(projectFolder, 'test-results');
/** The fast part, for before a commit: nothing that needs an engine or a browser. */
const fast = process.argv.includes('--fast');

interface Count {
  passed: number;
  failed: number;
}

interface Stage {
  readonly title: string;
  run(): Promise<Count>;
}

const stages: readonly Stage[] = [
  { title: 'Format and lint', run: () => tool('biome', ['ci', '--error-on-warnings', '.']) },
  { title: 'Site', run: site },
  { title: 'Types', run: () => tool('tsc', ['--noEmit', '-p', '.']) },
  { title: 'Unit tests', run: () => vitest('unit') },
  ...(fast
    ? []
    : [
        { title: 'Engine tests', run: () => vitest('engine') },
        { title: 'Lab proofs', run: prove },
        { title: 'Browser tests', run: browser },
      ]),
];

const total: Count = { passed: 0, failed: 0 };
const summary: string[] = [];
for (const stage of stages) {
  const startedAt = Date.now();
  console.log(`\n── ${stage.title} ──`);
  let count: Count;
  try {
    count = await stage.run();
  } catch (error) {
    console.error(error);
    count = { passed: 0, failed: 1 };
  }
  total.passed += count.passed;
  total.failed += count.failed;
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  summary.push(
    `${count.failed === 0 ? '✓' : '✗'} ${stage.title}: ${count.passed} passed, ${count.failed} failed  (${seconds} s)`,
  );
}
console.log(`\n${summary.join('\n')}\n\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

/** Runs a program with its output shown; gives its exit code. */
async function show(
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(program, argv, {
    cwd: projectFolder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  return await new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done(code ?? 1));
  });
}

async function tool(name: string, argv: readonly string[]): Promise<Count> {
  const code = await show(join(projectFolder, 'node_modules/.bin', name), argv);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function site(): Promise<Count> {
  await buildSite(projectFolder, progress);
  return { passed: 1, failed: 0 };
}

async function vitest(project: string): Promise<Count> {
  mkdirSync(reports, { recursive: true });
  const report = join(reports, `${project}.json`);
  rmSync(report, { force: true });
  const code = await show(join(projectFolder, 'node_modules/.bin/vitest'), [
    ...['run', '--project', project, '--passWithNoTests'],
    ...['--reporter', 'default', '--reporter', 'json', '--outputFile.json', report],
  ]);
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const counts: { numPassedTests: number; numFailedTests: number } = JSON.parse(readFileSync(report, 'utf8'));
  // A file that could not be loaded, or something left behind, fails the run without failing a test.
  return { passed: counts.numPassedTests, failed: Math.max(counts.numFailedTests, code === 0 ? 0 : 1) };
}

async function prove(): Promise<Count> {
  mkdirSync(reports, { recursive: true });
  const report = join(reports, 'prove.json');
  rmSync(report, { force: true });
  const code = await show(process.execPath, [join(projectFolder, 'src/start/prove.ts'), '--json', report]);
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const proof: { labs: { cases: { ok: boolean }[] }[] } = JSON.parse(readFileSync(report, 'utf8'));
  const cases = proof.labs.flatMap((lab) => lab.cases);
  const failed = cases.filter((one) => !one.ok).length;
  return { passed: cases.length - failed, failed: Math.max(failed, code === 0 ? 0 : 1) };
}

async function browser(): Promise<Count> {
  if (findProgram('chromium') === undefined) {
    const step = progress.step('Installing Debian’s Chromium');
    await installPackages(['chromium'], step);
    step.done();
  }
  return await vitest('browser');
}
