// Finds a secret in an image on a learner's engine: reads only layers never looked at, and the whole saved image where layers can't be read one by one.
import type { ImageFacts } from './facts.ts';
import { findSecret, formsOf, type LayerScan, locate, scanLayer } from './layers.ts';
import type { Scene } from './scene.ts';

/**
 * Names in each layer that was scanned and held no secret, by the hash of its content. A layer that another sandbox has
 * as well can't hold this one's secret, which is random; so base layers are read once a process, not once a learner.
 */
const clean = new Map<string, ReadonlySet<string>>();
/** Layers remembered, the oldest forgotten first. A layer of a system holds ten thousand names, some 1 MB. */
const CLEAN_MOST = 64;

/** Scans every layer of an image, its configuration and its history. Rejects if a layer can't be decoded. */
export async function findSecretInImage(
  scene: Scene,
  reference: string,
  secret: string,
  signal: AbortSignal,
): Promise<LayerScan> {
  const image = await scene.image(reference);
  const folders = image === undefined ? undefined : layerFolders(image);
  if (image === undefined || folders === undefined)
    return await findSecret(await scene.exportImage(reference, signal), secret);
  const needles = formsOf(secret);
  const [history, inspected] = await Promise.all(
    ['history', 'json'].map((what) =>
      scene.engine.bytes(`/images/${image.Id}/${what}`, { mostBytes: METADATA_MOST_BYTES, signal }),
    ),
  );
  const inMetadata = [history, inspected].some((text) => needles.some((needle) => text?.includes(needle)));
  const unread = folders.flatMap((folder, index) =>
    clean.has(image.RootFS.Layers[index] ?? '') ? [] : [{ folder, index }],
  );
  const names = image.RootFS.Layers.map((id) => clean.get(id) ?? new Set<string>());
  const found: { layer: number; path: string }[] = [];
  if (unread.length > 0) {
    const container = await scene.windowOn(
      image.Id,
      unread.map(({ folder }) => folder),
      signal,
    );
    for (const [position, { index }] of unread.entries()) {
      const tar = await container.tarOf(position);
      const paths: string[] = [];
      const top = `${position}/`;
      const inLayer = await scanLayer(tar, needles, (path) => paths.push(path.replace(top, '')));
      names[index] = new Set([...inLayer].map((path) => path.replace(top, '')));
      if (paths.length === 0) remember(image.RootFS.Layers[index] ?? '', names[index]);
      found.push(...paths.map((path) => ({ layer: index + 1, path })));
    }
  }
  if (inMetadata) found.push({ layer: 0, path: 'configuration and history' });
  return { layers: names.length, findings: locate(found, names) };
}

/** Larger metadata than this is no image's. */
const METADATA_MOST_BYTES = 4 * 1024 * 1024;

/** The folders that an image's layers lie in, the lowest first; undefined if the engine keeps them in another way. */
export function layerFolders(image: Pick<ImageFacts, 'GraphDriver' | 'RootFS'>): string[] | undefined {
  const { Name, Data } = image.GraphDriver ?? {};
  if (Name !== 'overlay2' || Data?.UpperDir === undefined) return undefined;
  const lower = Data.LowerDir ?? '';
  const folders = [Data.UpperDir, ...(lower === '' ? [] : lower.split(':'))].reverse();
  return folders.length === image.RootFS.Layers.length ? folders : undefined;
}

function remember(layer: string, names: ReadonlySet<string>): void {
  clean.set(layer, names);
  const [oldest] = clean.keys();
  if (clean.size > CLEAN_MOST && oldest !== undefined) clean.delete(oldest);
}
