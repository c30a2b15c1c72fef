// Builds the static site into dist/ when its sources changed, and compresses it once for all readers.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { contentHash, filesBelow } from '../engine/content-hash.ts';
import { runCommand } from '../engine/machine.ts';
import type { Progress } from '../engine/progress.ts';

/** What the site is made from. The server and the engine code are not in it, so changing them builds nothing. */
const SOURCES = [
  'astro.config.mjs',
  'package-lock.json',
  'content',
  'labs',
  'grader',
  'src/client',
  'src/casts',
  'src/components',
  'src/layouts',
  'src/markdown',
  'src/pages',
  'src/styles',
  'src/content.config.ts',
  'src/protocol.ts',
];
const MARKER = '.built-from';
const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.svg', '.json', '.xml', '.txt', '.webmanifest']);
/** Below this many bytes compression saves less than its header costs a request. */
const COMPRESS_FROM_BYTES = 1_024;

/** Makes sure dist/ shows the sources as they are; gives its path. */
export async function buildSite(projectFolder: string, progress: Progress): Promise<string> {
  const dist = join(projectFolder, 'dist');
  const hash = contentHash(projectFolder, SOURCES);
  if (existsSync(join(dist, MARKER)) && readFileSync(join(dist, MARKER), 'utf8') === hash) return dist;
  const step = progress.step('Building the site');
  try {
    rmSync(join(dist, MARKER), { force: true });
    await runCommand([process.execPath, join(projectFolder, 'node_modules/astro/bin/astro.mjs'), 'build'], {
      cwd: projectFolder,
      env: { ASTRO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' },
      onLine: (line) => step.at(line),
    });
    step.at('compressing');
    const count = await compress(dist);
    writeFileSync(join(dist, MARKER), hash);
    step.done(`${count} files`);
    return dist;
  } catch (error) {
    step.failed('see below');
    throw new Error('The site could not be built.', { cause: error });
  }
}

async function compress(folder: string): Promise<number> {
  const files = filesBelow(folder).filter((file) => COMPRESSIBLE.has(extname(file)));
  for (const file of files) {
    const bytes = readFileSync(file);
    if (bytes.length < COMPRESS_FROM_BYTES) continue;
    const best = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
    writeFileSync(`${file}.br`, await promisify(brotliCompress)(bytes, best));
    writeFileSync(`${file}.gz`, await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }));
  }
  return files.length;
}
