// Packs a folder of this machine as a tar for an engine: the same bytes for the same content, owned by root.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pack } from 'tar-stream';

/**
 * A tar stream of a folder's files, folders and symlinks, below `prefix` if given, with modes kept.
 * All bear one time, by default a fixed one, so that builds from it stay cached.
 */
export function packFolder(folder: string, prefix = '.', modifiedAt = new Date(0)): Readable {
  const tar = pack();
  const add = async (from: string, to: string): Promise<void> => {
    for (const name of readdirSync(from).sort()) {
      const path = join(from, name);
      const target = posix.join(to, name);
      const facts = lstatSync(path);
      const common = { name: target, mtime: modifiedAt, uid: 0, gid: 0, mode: facts.mode & 0o777 };
      if (facts.isDirectory()) {
        tar.entry({ ...common, type: 'directory' });
        await add(path, target);
      } else if (facts.isSymbolicLink()) {
        tar.entry({ ...common, type: 'symlink', linkname: readlinkSync(path) });
      } else if (facts.isFile()) {
        await new Promise<void>((resolve, reject) => {
          tar.entry({ ...common, type: 'file' }, readFileSync(path), (error) =>
            error ? reject(error) : resolve(),
          );
        });
      }
    }
  };
  add(folder, prefix).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  );
  return tar as unknown as Readable;
}
