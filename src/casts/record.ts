// Records the terminal casts of a lesson: `node src/casts/record.ts --shell "docker exec -it NAME bash -l" content/…/casts.ts [name…]`.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Moment, Recording } from './asciicast.ts';
import {
  CAST_MAX_SECONDS,
  capIdle,
  formatCast,
  IDLE_MAX_SECONDS,
  lengthSeconds,
  screenText,
} from './asciicast.ts';
import type { ParsedRecipe } from './recipe.ts';
import { brokenPromises, parseRecipes } from './recipe.ts';
import { TypedShell } from './typed-shell.ts';

/** Columns of every cast: the most that a box in a lesson's page shows without scrolling sideways on a laptop. */
const COLS = 90;
/** Building from nothing, with a package to compile, takes minutes on a slow machine. */
const SETUP_TIMEOUT_MS = 600_000;

/** Plays a recipe in a fresh shell. Throws if the preparation, an exit code or what is shown is not as the recipe says. */
export async function record(recipe: ParsedRecipe, shellCommand: string): Promise<Recording> {
  const { name, title, folder, rows, steps } = recipe;
  const moments: Moment[] = [];
  let startedMs = Number.POSITIVE_INFINITY;
  using shell = await TypedShell.open({
    command: shellCommand,
    cols: COLS,
    rows,
    output: (output) => {
      const now = performance.now();
      if (now >= startedMs) moments.push({ at: (now - startedMs) / 1000, output });
    },
  });

  const enter = `rm -rf ${folder} && mkdir ${folder} && cd ${folder}`;
  const script = Buffer.from(recipe.setup).toString('base64');
  // A here-string, not a pipe: the script's own commands keep the terminal's input out of their way with </dev/null.
  const prepare = `${enter} && bash -euo pipefail -c "$(base64 -d <<<'${script}')" </dev/null`;
  if ((await shell.run(prepare, SETUP_TIMEOUT_MS)) !== 0)
    throw new Error(
      `The preparation of cast ${name} failed, so nothing was recorded. Its output ends:\n${shell.recent}`,
    );

  startedMs = performance.now();
  moments.push({ at: 0, output: shell.prompt });
  for (const step of steps) {
    const exit = await shell.type(step.type, step.timeoutSeconds * 1000);
    if (exit !== step.exit)
      throw new Error(
        `Cast ${name}: "${step.type}" ended with exit code ${exit} where its recipe says ${step.exit}. Nothing was written.` +
          ` The screen:\n${await screenText({ title, cols: COLS, rows, moments })}`,
      );
  }

  const recording: Recording = { title, cols: COLS, rows, moments: capIdle(moments, IDLE_MAX_SECONDS) };
  const screen = await screenText(recording);
  const broken = brokenPromises(recipe, screen);
  const seconds = lengthSeconds(recording);
  if (seconds > CAST_MAX_SECONDS)
    broken.push(`it lasts ${seconds.toFixed(0)} s, and ${CAST_MAX_SECONDS} s is the most`);
  if (broken.length > 0)
    throw new Error(
      `Cast ${name} is not what its lesson says: ${broken.join('; ')}. Nothing was written. The screen:\n${screen}`,
    );
  return recording;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { shell: { type: 'string', default: 'bash' } },
  });
  const [file, ...names] = positionals;
  if (file === undefined)
    throw new Error(
      'Say which casts to record: node src/casts/record.ts --shell "docker exec -it NAME bash -l" content/…/casts.ts [name…]',
    );
  const path = resolve(file);
  const loaded: { casts?: unknown } = await import(pathToFileURL(path).href);
  const recipes = parseRecipes(loaded.casts, file);
  const unknown = names.find((name) => !recipes.some((recipe) => recipe.name === name));
  if (unknown !== undefined)
    throw new Error(
      `${file} has no cast named ${unknown}. It has: ${recipes.map(({ name }) => name).join(', ')}.`,
    );

  for (const recipe of recipes.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const recording = await record(recipe, values.shell);
    const target = join(dirname(path), 'casts', `${recipe.name}.cast`);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, formatCast(recording));
    console.log(
      `${relative(process.cwd(), target)}  ${lengthSeconds(recording).toFixed(1)} s  ${recording.moments.length} moments`,
    );
  }
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
