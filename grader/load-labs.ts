// Finds the labs in a folder and loads them.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Lab } from './lab.ts';

/** Names of the labs in a folder: its sub-folders with a `lab.ts`. */
export function labNames(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'lab.ts')))
    .map((entry) => entry.name)
    .sort();
}

/** Loads one lab. Rejects with a sentence if there is none of that name or its `lab.ts` is not sound. */
export async function loadLab(folder: string, name: string): Promise<Lab> {
  if (!labNames(folder).includes(name)) {
    throw new Error(`There is no lab "${name}". There are: ${labNames(folder).join(', ')}.`);
  }
  const module: { default?: Lab } = await import(pathToFileURL(resolve(folder, name, 'lab.ts')).href);
  if (module.default === undefined)
    throw new Error(`labs/${name}/lab.ts: expected \`export default defineLab({ … })\`.`);
  if (module.default.id !== name) {
    throw new Error(
      `labs/${name}/lab.ts: the id is "${module.default.id}", but its folder is called "${name}".`,
    );
  }
  return module.default;
}

/** Loads every lab of a folder, by name. */
export async function loadLabs(folder: string): Promise<Map<string, Lab>> {
  const labs = await Promise.all(labNames(folder).map((name) => loadLab(folder, name)));
  return new Map(labs.map((lab) => [lab.id, lab]));
}
