// What an author writes to have a terminal cast recorded: how to prepare, what to type, what it must have shown.
import { z } from 'zod';

const step = z.strictObject({
  /** Typed key by key, then Enter. A line break inside is Enter too, so a here-document works. */
  type: z.string().min(1),
  /** The exit code that the lesson's point needs; any other refuses the recording. */
  exit: z.int().min(0).max(255).default(0),
  /** How long the command may take. */
  timeoutSeconds: z.int().min(1).max(600).default(120),
});

const recipe = z.strictObject({
  /** The file's name: `casts/<name>.cast` beside the recipe. */
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  /** What the cast shows, as a reader's caption. */
  title: z.string().min(1),
  /** A bash script, run unseen with `-euo pipefail` in a fresh empty folder before the recording. */
  setup: z.string().default(''),
  /** The folder it all happens in, below the shell's own; emptied first. */
  folder: z.string().regex(/^[a-z][a-z0-9-]*$/),
  steps: z.array(step).min(1),
  /** Texts that must be on the screen at the end: the facts which the lesson's prose relies on. */
  shows: z.array(z.string().min(1)).min(1),
  /** Texts that must not be. */
  hides: z.array(z.string().min(1)).default([]),
  /** Terminal rows; the width is the same for all casts. */
  rows: z.int().min(6).max(40).default(24),
});

export type CastRecipe = z.input<typeof recipe>;
export type ParsedRecipe = z.output<typeof recipe>;

/** Reads what a `casts.ts` exports as `casts`. Throws a sentence that names the recipe and the field. */
export function parseRecipes(exported: unknown, file: string): ParsedRecipe[] {
  const parsed = z.array(recipe).safeParse(exported);
  if (!parsed.success)
    throw new Error(
      `${file} must export \`casts\`, a list like [{ name: 'first-build', title: 'The first build', folder: 'orders', ` +
        `steps: [{ type: 'docker build .' }], shows: ['FINISHED'] }]. It does not:\n${z.prettifyError(parsed.error)}`,
    );
  const names = parsed.data.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new Error(`${file} has two casts named ${twice}; each name is a file, so it can be there once.`);
  return parsed.data;
}

/** The texts that a recording's screen owes its recipe: those missing, and those that must not be there. */
export function brokenPromises(
  { shows, hides }: Pick<ParsedRecipe, 'shows' | 'hides'>,
  screen: string,
): string[] {
  return [
    ...shows
      .filter((text) => !screen.includes(text))
      .map((text) => `it does not show ${JSON.stringify(text)}`),
    ...hides.filter((text) => screen.includes(text)).map((text) => `it shows ${JSON.stringify(text)}`),
  ];
}
