// The import law: which part of the house may know which. Arrows never turn back.
import { readFileSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow } from './engine/content-hash.ts';

const root = resolve(import.meta.dirname, '..');
const ROOMS = ['content', 'labs', 'grader', 'src', 'e2e'] as const;
const CODE = new Set(['.ts', '.mjs', '.astro', '.mdx']);

/** Part of the house a file belongs to → parts it may import from. */
const LAW: Readonly<Record<string, readonly string[]>> = {
  content: ['content', 'src/casts', 'src/markdown', 'src/components'],
  labs: ['labs', 'grader'],
  grader: ['grader'],
  'src/protocol.ts': ['grader'],
  'src/client': ['src/client', 'src/protocol.ts', 'src/markdown', 'grader'],
  'src/components': [
    'src/components',
    'src/client',
    'src/markdown',
    'src/casts',
    'src/protocol.ts',
    'grader',
    'src/styles',
  ],
  'src/layouts': ['src/layouts', 'src/components', 'src/client', 'src/styles'],
  'src/pages': [
    'src/layouts',
    'src/components',
    'src/client',
    'src/markdown',
    'src/protocol.ts',
    'src/styles',
    'grader',
    'labs',
  ],
  'src/markdown': ['src/markdown', 'src/casts', 'grader'],
  'src/casts': ['src/casts'],
  'src/content.config.ts': ['src/markdown', 'src/components'],
  'src/engine': ['src/engine', 'grader', 'labs/images'],
  'src/server': ['src/server', 'src/engine', 'src/protocol.ts', 'grader'],
  'src/start': ['src/start', 'src/server', 'src/engine', 'grader', 'src/casts'],
  e2e: ['e2e', 'src/start', 'src/engine', 'src/protocol.ts'],
};

/** Tests may reach for what they try things with. */
const TEST_ROOMS = ['src/engine', 'src/server', 'grader', 'labs'];

/** Package → the only files that may import it. */
const OWNERS: Readonly<Record<string, RegExp>> = {
  dockerode: /^(src\/engine\/outer-engine|grader\/engine-client)\.ts$/,
  kysely: /^src\/server\/(store|sqlite-dialect)\.ts$/,
  '@xterm/xterm': /^src\/client\//,
  '@xterm/headless': /^(src\/server\/screen|src\/casts\/.*|src\/components\/.*|src\/markdown\/.*)\.ts$/,
  'node-pty': /^src\/(casts|start)\//,
  'playwright-core': /^(e2e|src\/start)\//,
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function imports(): Import[] {
  return ROOMS.flatMap((room) => filesBelow(join(root, room)))
    .map((file) => relative(root, file))
    .filter(
      (file) =>
        CODE.has(extname(file)) && !/^labs\/[^/]+\/(start|solution|alternatives|mutants)\//.test(file),
    )
    .flatMap((from) => {
      const text = readFileSync(join(root, from), 'utf8');
      const specifiers = [
        ...text.matchAll(
          /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*(?:\{[^}]*\})?[^'"\n;]*['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g,
        ),
      ];
      return specifiers.map((match) => {
        const specifier = match[1] ?? match[2] ?? '';
        const to = specifier.startsWith('.')
          ? relative(root, resolve(root, dirname(from), specifier))
          : specifier;
        return { from, to };
      });
    });
}

const partOf = (file: string) =>
  Object.keys(LAW)
    .filter((part) => file === part || file.startsWith(`${part}/`))
    .sort((a, b) => b.length - a.length)[0];

test('every import goes the way the law allows', () => {
  const broken = imports().filter(({ from, to }) => {
    const part = partOf(from);
    if (part === undefined || !ROOMS.some((room) => to.startsWith(`${room}/`))) return false;
    const allowed = [...(LAW[part] ?? []), ...(/\.test\.ts$/.test(from) ? TEST_ROOMS : [])];
    return !allowed.some((room) => to === room || to.startsWith(`${room}/`));
  });
  expect(broken.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test('a package with one owner is imported by no one else', () => {
  const broken = imports().filter(({ from, to }) => {
    const owner = OWNERS[to];
    return (
      owner !== undefined && !owner.test(from) && !/\.test\.ts$/.test(from) && from !== 'src/imports.test.ts'
    );
  });
  expect(broken.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test('the law is looked at: it knows the imports there are', () => {
  expect(
    imports().some(({ from, to }) => from === 'src/imports.test.ts' && to === 'src/engine/content-hash.ts'),
  ).toBe(true);
});
