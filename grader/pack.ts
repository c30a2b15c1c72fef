// Packs files as tars and reads the names in tars, for the archive calls.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, type Pack, pack } from 'tar-stream';

const FIXED_TIME = new Date(0);

/** A tar of texts by path; every file may be read by all. */
export async function packTexts(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack();
  for (const [path, text] of Object.entries(files))
    tar.entry({ name: path.replace(/^\/+/, ''), mode: 0o644, mtime: FIXED_TIME }, text);
  return await finished(tar);
}

/** A tar of what is below a folder of this machine, without the top entries named in `except`. */
export async function packOverlay(folder: string, except: readonly string[]): Promise<Buffer> {
  const tar = pack();
  const add = (from: string, to: string): void => {
    for (const name of readdirSync(from).sort()) {
      if (to === '' && except.includes(name)) continue;
      const path = join(from, name);
      const facts = lstatSync(path);
      const entry = { name: `${to}${name}`, mode: facts.mode & 0o777, mtime: FIXED_TIME };
      if (facts.isDirectory()) {
        tar.entry({ ...entry, type: 'directory' });
        add(path, `${to}${name}/`);
      } else if (facts.isSymbolicLink()) {
        tar.entry({ ...entry, type: 'symlink', linkname: readlinkSync(path) });
      } else {
        tar.entry(entry, readFileSync(path));
      }
    }
  };
  add(folder, '');
  return await finished(tar);
}

async function finished(tar: Pack): Promise<Buffer> {
  tar.finalize();
  return await buffer(tar as unknown as Readable);
}

/** Names kept of one tar; a learner's image may hold any number. */
const NAMES_MOST = 200_000;

/** Paths in a tar below its one top entry, folders with a slash at their end. */
export async function namesIn(tar: Readable): Promise<readonly string[]> {
  const names: string[] = [];
  const entries = extract();
  tar.on('error', (error) => entries.destroy(error));
  tar.pipe(entries);
  for await (const entry of entries) {
    const path = entry.header.name.replace(/^(\.?\/)*[^/]*\/?/, '').replace(/\/$/, '');
    if (path !== '' && names.length < NAMES_MOST)
      names.push(entry.header.type === 'directory' ? `${path}/` : path);
    entry.resume();
  }
  return names;
}
