// The built site, served from its folder: hashed files for ever, pages always asked for anew, both as compressed by the build.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Astro puts files whose names change with their content here. */
const HASHED_FOLDER = '/_astro/';
const FOR_EVER = 'public, max-age=31536000, immutable';
const ASK_ANEW = 'no-cache';

/** Serves a folder's files at `/`; answers 404 itself only through the app's not-found handler. */
export async function serveSite(app: FastifyInstance, distFolder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: distFolder,
    preCompressed: true,
    cacheControl: false,
    dotfiles: 'ignore',
    index: ['index.html'],
    extensions: ['html'],
    redirect: true,
    suppressWarning: true,
    // The library hands over a reply here, not Node's response.
    setHeaders: (reply, path) => {
      reply.header('cache-control', path.replaceAll('\\', '/').includes(HASHED_FOLDER) ? FOR_EVER : ASK_ANEW);
    },
  });
}

/** The site's own page for an address that leads nowhere; undefined if it has none. */
export async function notFoundPage(distFolder: string): Promise<string | undefined> {
  try {
    return await readFile(join(distFolder, '404.html'), 'utf8');
  } catch {
    // A site without one is answered with a plain sentence.
    return undefined;
  }
}
