// The catalogue and the recipes it names agree, so that what `docker inspect` says of a stand-in is what the page says of it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue } from './catalogue.ts';

const recipes = catalogue.flatMap((entry) =>
  entry.folder === undefined ? [] : [{ ...entry, folder: entry.folder }],
);
const read = (folder: string, name = 'Dockerfile'): string =>
  readFileSync(join(import.meta.dirname, folder, name), 'utf8');

/** The value that a recipe's LABEL instruction gives to a key. */
const label = (recipe: string, key: string): string | undefined =>
  new RegExp(`${key.replaceAll('.', '\\.')}="?([^"\\n]*)"?`).exec(recipe)?.[1]?.trim();

test('no name stands for two images', () => {
  const names = catalogue.flatMap((entry) => [entry.ref, ...(entry.alsoTagged ?? [])]);
  expect(names).toEqual([...new Set(names)]);
});

test.each(recipes)(
  'the recipe of $ref says what it stands in for and how it differs, as the catalogue does',
  (entry) => {
    const recipe = read(entry.folder);
    expect(recipe).toMatch(/lab\.standin=true/);
    expect([entry.ref, ...(entry.alsoTagged ?? [])]).toContain(label(recipe, 'lab.standin.for'));
    expect(label(recipe, 'lab.standin.differs')).toBe(entry.differs.replaceAll('’', "'"));
  },
);

test.each(recipes)('the recipe of $ref stands on images that are there before it', (entry) => {
  const before = catalogue
    .slice(
      0,
      catalogue.findIndex(({ ref }) => ref === entry.ref),
    )
    .map(({ ref }) => ref);
  const bases = [...read(entry.folder).matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
  for (const base of bases) expect([...before, 'scratch']).toContain(base);
});

test('a recipe that adapts a pulled image begins with the image that is pulled', () => {
  for (const { folder, online, pull } of recipes) {
    if (online === undefined) continue;
    expect(read(folder, online)).toContain(`\nFROM ${pull}\n`);
    expect(read(folder, online)).not.toContain('lab.standin');
  }
});

test('whoever looks for an image’s recipe finds it in the README', () => {
  const readme = read('.', 'README.md');
  for (const { ref } of catalogue) expect(readme).toContain(`\`${ref}\``);
  for (const { folder } of recipes)
    expect(existsSync(join(import.meta.dirname, folder, 'Dockerfile'))).toBe(true);
});
