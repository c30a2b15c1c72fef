// Looks into every layer of a saved image for a secret: deleted files, packed files, history and labels included.
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress, gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { z } from 'zod';

export interface SecretFinding {
  /** Which layer, counted from 1 at the bottom; 0 for the image's configuration and history. */
  readonly layer: number;
  /** Path in the layer, or what the configuration is called. */
  readonly path: string;
  /** True if a later layer deletes or replaces the file: the bytes are still there. */
  readonly hidden: boolean;
}

export interface LayerScan {
  readonly layers: number;
  readonly findings: readonly SecretFinding[];
}

/** A member of a packed file that is larger is not unpacked: a secret is small, a bomb is not. */
const PACKED_MOST_BYTES = 16 * 1024 * 1024;
/** Larger metadata than this is no image's. */
const TEXT_MOST_BYTES = 4 * 1024 * 1024;
const TAR_MAGIC_OFFSET = 257;
const HEAD_BYTES = 512;

const manifestSchema = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) })).min(1);

interface Found {
  readonly blob: string;
  readonly path: string;
}

/**
 * Scans an image as `docker save` gives it, in any layout. Rejects if a layer can't be decoded: not having looked is
 * not the same as nothing being there.
 */
export async function findSecret(saved: Readable, secret: string): Promise<LayerScan> {
  const needles = formsOf(secret);
  const found: Found[] = [];
  const names = new Map<string, Set<string>>();
  let manifest: z.output<typeof manifestSchema>[number] | undefined;
  const outer = extract();
  saved.on('error', (error) => outer.destroy(error));
  saved.pipe(outer);
  for await (const entry of outer) {
    const { name, type } = entry.header;
    if (type !== 'file' || (entry.header.size ?? 0) === 0) {
      entry.resume();
      continue;
    }
    const { head, whole } = await peek(entry as unknown as Readable);
    const tar = layerTar(head, whole);
    if (tar !== undefined) {
      names.set(name, await scanLayer(tar, needles, (path) => found.push({ blob: name, path })));
      continue;
    }
    const text = await collected(whole, TEXT_MOST_BYTES);
    if (name === 'manifest.json') manifest = manifestSchema.parse(JSON.parse(text.toString('utf8')))[0];
    if (needles.some((needle) => text.includes(needle)))
      found.push({ blob: name, path: 'configuration and history' });
  }
  if (manifest === undefined) throw new Error('The saved image has no manifest.');
  const { Layers: order } = manifest;
  const undecoded = order.filter((layer) => !names.has(layer));
  if (undecoded.length > 0)
    throw new Error(`${undecoded.length} of ${order.length} layers could not be decoded.`);
  return {
    layers: order.length,
    findings: locate(
      found.map(({ blob, path }) => ({ layer: order.indexOf(blob) + 1, path })),
      order.map((layer) => names.get(layer) ?? new Set<string>()),
    ),
  };
}

/** Says of each finding whether a later layer hides it. `names` are the names in each layer, the lowest first. */
export function locate(
  found: readonly { readonly layer: number; readonly path: string }[],
  names: readonly ReadonlySet<string>[],
): SecretFinding[] {
  return found.map(({ layer, path }) => ({
    layer,
    path,
    hidden: layer > 0 && names.slice(layer).some((files) => covers(files, path)),
  }));
}

/** A secret as it is and as it may be disguised by encodings that change nothing: base64 at each alignment, hex. */
export function formsOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first characters depend on what stands before, the last on what comes after.
    return encoded.slice(shift === 0 ? 0 : shift + 1, -1);
  });
  return [secret, ...base64, bytes.toString('hex'), bytes.toString('hex').toUpperCase()].map((text) =>
    Buffer.from(text),
  );
}

/** The tar inside a blob if it is a layer: plain, gzip or zstd, told by its first bytes and not by its name. */
function layerTar(head: Buffer, whole: Readable): Readable | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return whole.pipe(createGunzip());
  if (head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])))
    return whole.pipe(createZstdDecompress());
  if (head.subarray(TAR_MAGIC_OFFSET, TAR_MAGIC_OFFSET + 5).toString('latin1') === 'ustar') return whole;
  // A layer without files is nothing but zeros.
  if (head.length === HEAD_BYTES && head.every((byte) => byte === 0)) return whole;
  return undefined;
}

/** Scans one layer; gives the names in it. */
export async function scanLayer(
  tar: Readable,
  needles: readonly Buffer[],
  found: (path: string) => void,
): Promise<Set<string>> {
  const names = new Set<string>();
  const inner = extract();
  tar.on('error', (error) => inner.destroy(error));
  tar.pipe(inner);
  for await (const entry of inner) {
    const path = entry.header.name.replace(/^\.?\//, '').replace(/\/$/, '');
    names.add(path);
    if (await holds(entry as unknown as Readable, needles)) found(path);
    if (needles.some((needle) => path.includes(needle.toString()))) found(path);
  }
  return names;
}

/** Whether a stream holds one of the needles, also across the cuts between its chunks, also one packing deep. */
async function holds(stream: Readable, needles: readonly Buffer[]): Promise<boolean> {
  const overlap = Math.max(...needles.map((needle) => needle.length)) - 1;
  let tail = Buffer.alloc(0);
  let first = true;
  let packed: Buffer[] | undefined;
  let packedSize = 0;
  let hit = false;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (first && chunk[0] === 0x1f && chunk[1] === 0x8b) packed = [];
    first = false;
    if (packed !== undefined && packedSize < PACKED_MOST_BYTES) {
      packed.push(chunk);
      packedSize += chunk.length;
    }
    if (hit) continue;
    const window = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    hit = needles.some((needle) => window.includes(needle));
    tail = Buffer.from(window.subarray(Math.max(0, window.length - overlap)));
  }
  if (hit || packed === undefined || packedSize >= PACKED_MOST_BYTES) return hit;
  try {
    const unpacked = gunzipSync(Buffer.concat(packed), { maxOutputLength: PACKED_MOST_BYTES });
    return needles.some((needle) => unpacked.includes(needle));
  } catch {
    // It only looked like gzip, or unpacks to more than a secret's worth.
    return false;
  }
}

/** Whether a layer deletes or replaces a path of an earlier one. */
function covers(names: ReadonlySet<string>, path: string): boolean {
  if (names.has(path)) return true;
  const parts = path.split('/');
  return parts.some((part, depth) => {
    const folder = parts.slice(0, depth).join('/');
    const within = (name: string) => (folder === '' ? name : `${folder}/${name}`);
    return names.has(within(`.wh.${part}`)) || (depth > 0 && names.has(`${folder}/.wh..wh..opq`));
  });
}

async function peek(stream: Readable): Promise<{ head: Buffer; whole: Readable }> {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  let size = 0;
  while (size < HEAD_BYTES) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    first.push(value);
    size += value.length;
  }
  const start = Buffer.concat(first);
  const whole = Readable.from(
    (async function* () {
      yield start;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    })(),
  );
  return { head: start.subarray(0, HEAD_BYTES), whole };
}

async function collected(stream: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= most) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
