// Reads labs/*/lab.ts at build time, so that pages can show what a lab asks without its code.
import { existsSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Loader } from 'astro/loaders';
import { labOnShelf } from './frontmatter.ts';

async function readLab(root: string, slug: string, version: number) {
  const file = join(root, 'labs', slug, 'lab.ts');
  const relative = join('labs', slug, 'lab.ts');
  let module: { default?: unknown };
  try {
    module = await import(/* @vite-ignore */ `${pathToFileURL(file).href}?v=${version}`);
  } catch (cause) {
    throw new Error(
      `${relative} could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  const lab = labOnShelf.safeParse(module.default);
  if (!lab.success) {
    const issue = lab.error.issues[0];
    throw new Error(
      `${relative} must end in \`export default defineLab({ id: '${slug}', title: …, tasks: […] })\`; at ${issue?.path.join('.') || 'its default export'}: ${issue?.message}`,
    );
  }
  if (lab.data.id !== slug)
    throw new Error(`${relative} has the id "${lab.data.id}"; expected its folder's name, id: '${slug}'`);
  return lab.data;
}

/** Loads every folder of labs/ that has a lab.ts, and again when one of them changes under `npm run dev`. */
export function labLoader(): Loader {
  return {
    name: 'slipway-labs',
    async load({ store, config, watcher, generateDigest }) {
      const root = new URL('.', config.root).pathname;
      const folder = join(root, 'labs');
      const loadAll = async (version: number) => {
        const slugs = existsSync(folder)
          ? readdirSync(folder).filter((slug) => existsSync(join(folder, slug, 'lab.ts')))
          : [];
        const labs = await Promise.all(slugs.sort().map((slug) => readLab(root, slug, version)));
        store.clear();
        for (const lab of labs) store.set({ id: lab.id, data: lab, digest: generateDigest(lab) });
      };
      await loadAll(0);
      watcher?.on('change', (path) => {
        if (path.startsWith(folder + sep) && path.endsWith('.ts')) void loadAll(Date.now());
      });
    },
  };
}
