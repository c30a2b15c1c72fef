// Names things by what they are made from, so that nothing is built twice and nothing stale is used.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Sixteen hex digits over the given files and folders (names, contents, executable bits) and words, in their order. */
export function contentHash(root: string, paths: readonly string[], words: readonly string[] = []): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of filesBelow(join(root, path))) {
      const executable = (statSync(file).mode & 0o111) !== 0;
      hash.update(`${relative(root, file)}\0${executable ? 'x' : '-'}\0`);
      hash.update(readFileSync(file));
      hash.update('\0');
    }
  }
  for (const word of words) hash.update(`${word}\0`);
  return hash.digest('hex').slice(0, 16);
}

/** Every file below a path, sorted, or the path itself if it is a file; none if it is not there. */
export function filesBelow(path: string): string[] {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return [];
  if (!facts.isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}
