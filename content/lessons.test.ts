// Every lesson keeps the authors' promises: real output, casts that show what they say, quizzes that name misconceptions.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  CAST_MAX_SECONDS,
  IDLE_MAX_SECONDS,
  lengthSeconds,
  parseCast,
  screenText,
} from '../src/casts/asciicast.ts';
import { brokenPromises, parseRecipes } from '../src/casts/recipe.ts';
import { parseQuiz } from '../src/components/quiz-file.ts';

const frontmatterSchema = z.looseObject({
  seeds: z.array(z.string()),
  misconceptions: z.array(z.object({ id: z.string(), text: z.string() })),
});

interface Fence {
  readonly line: number;
  readonly language: string;
  readonly meta: string;
}

/** The opening lines of a lesson's fenced blocks. */
function fences(text: string): Fence[] {
  const found: Fence[] = [];
  let closing: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const match = /^\s*(`{3,}|~{3,})\s*(\S*)\s*(.*)$/.exec(line);
    if (match === null) continue;
    const [, ticks = '', language = '', meta = ''] = match;
    if (closing === undefined) {
      closing = ticks;
      found.push({ line: index + 1, language, meta });
    } else if (language === '' && ticks.startsWith(closing)) closing = undefined;
  }
  return found;
}

/** Languages that claim to be what a terminal printed. */
const OUTPUT = new Set([
  '',
  'text',
  'txt',
  'plaintext',
  'console',
  'output',
  'terminal',
  'shell-session',
  'shellsession',
  'ansi',
]);

function handWrittenOutput(text: string): string[] {
  return fences(text)
    .filter(({ language, meta }) => OUTPUT.has(language) && !/title="quoted from S\d+\.\d+/.test(meta))
    .map(({ line, language }) => `line ${line}: a block in "${language}"`);
}

function every(pattern: RegExp, text: string): string[] {
  return [...text.matchAll(pattern)].map(([, first]) => first ?? '');
}

test('a block of output is hand-written unless its title says which seed it is quoted from', () => {
  expect(handWrittenOutput('```console\n$ ls\n```\n\n```dockerfile\nFROM busybox\n```')).toEqual([
    'line 1: a block in "console"',
  ]);
  expect(
    handWrittenOutput('````text title="quoted from S2.15"\n```\n.git\n```\n````\n\n```\nhi\n```'),
  ).toEqual(['line 7: a block in ""']);
});

const lessons = globSync('content/*/*/lesson.mdx').toSorted();

test('there are lessons, each in a numbered folder of a module that says what it is', () => {
  expect(lessons).not.toEqual([]);
  for (const lesson of lessons) {
    expect(lesson).toMatch(/^content\/\d\d-[a-z-]+\/\d\d-[a-z-]+\/lesson\.mdx$/);
    expect(existsSync(join(dirname(dirname(lesson)), 'module.json'))).toBe(true);
  }
});

describe.each(lessons)('%s', (lesson) => {
  const folder = dirname(lesson);
  const source = readFileSync(lesson, 'utf8');
  const [, yaml = '', text = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(source) ?? [];
  const { seeds, misconceptions } = frontmatterSchema.parse(parse(yaml));
  const declared = misconceptions.map(({ id }) => id);
  const items = every(/<Quiz src="\.\/([^"]+)"/g, text).flatMap((name) =>
    parseQuiz(readFileSync(join(folder, name), 'utf8'), join(folder, name)),
  );
  const options = items.flatMap((item) => (item.kind === 'choice' ? item.options : []));

  test('holds no hand-written output', () => {
    expect(handWrittenOutput(text)).toEqual([]);
  });

  test('gives a source from its own list for each claim, and quotes it before it judges', () => {
    const claims = every(/^:{3,}claim\{source="([^"]+)"/gm, text);
    expect(claims.filter((claim) => !seeds.includes(claim))).toEqual([]);
    expect(every(/^(:{3,}claim\{[^\n]*\}\n(?!> ).*)$/gm, text)).toEqual([]);
  });

  test('declares each misconception that it or its quiz names, and names each that it declares', () => {
    const named = new Set([
      ...every(/:::misconception\{id="([^"]+)"\}/g, text),
      ...options.flatMap(({ misconception }) => misconception ?? []),
    ]);
    expect([...named].toSorted()).toEqual([...new Set(declared)].toSorted());
  });

  test('has a quiz with no item twice, in which no right option names a misconception', () => {
    expect(items.length).toBeGreaterThan(0);
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    expect(options.filter(({ correct, misconception }) => correct && misconception !== undefined)).toEqual(
      [],
    );
  });

  const shown = every(/<Cast src="\.\/casts\/([^"]+)\.cast"/g, text);
  const recorded = globSync(join(folder, 'casts', '*.cast')).map((path) => basename(path, '.cast'));

  test('shows every cast that was recorded for it, and none that was not', () => {
    expect(shown.toSorted()).toEqual(recorded.toSorted());
  });

  test.each(recorded)(
    'cast %s can be watched in a minute and shows what its recipe promises',
    async (name) => {
      const { casts }: { casts?: unknown } = await import(join(process.cwd(), folder, 'casts.ts'));
      const recipe = parseRecipes(casts, `${folder}/casts.ts`).find((each) => each.name === name);
      if (recipe === undefined)
        throw new Error(`${folder}/casts.ts has no recipe for ${name}.cast, so nobody can record it again.`);
      const recording = parseCast(readFileSync(join(folder, 'casts', `${name}.cast`), 'utf8'));
      expect(text).toContain(`title="${recipe.title}"`);
      expect(recording.title).toBe(recipe.title);
      expect(lengthSeconds(recording)).toBeLessThanOrEqual(CAST_MAX_SECONDS);
      const silences = recording.moments.map(({ at }, index) => at - (recording.moments[index - 1]?.at ?? 0));
      expect(Math.max(...silences)).toBeLessThanOrEqual(IDLE_MAX_SECONDS + 0.01);
      expect(brokenPromises(recipe, await screenText(recording))).toEqual([]);
    },
  );
});
