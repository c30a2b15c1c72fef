import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { findSecret } from './layers.ts';

const SECRET = '5f0c1d9e77aa4b6f8d2e3c4b5a697887';
const THOUSAND = 1_000;

async function tar(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const made = pack();
  for (const [name, content] of Object.entries(files)) made.entry({ name }, content);
  made.finalize();
  return await buffer(made as unknown as Readable);
}

/** A saved image with these layers, the lowest first, and this configuration. */
async function saved(layers: readonly Buffer[], config: object = {}, manifest?: object): Promise<Readable> {
  const names = layers.map((_layer, index) => `blobs/sha256/layer${index}`);
  return Readable.from([
    await tar({
      'blobs/sha256/config': JSON.stringify(config),
      ...Object.fromEntries(layers.map((layer, index) => [names[index] ?? '', layer])),
      'manifest.json': JSON.stringify(manifest ?? [{ Config: 'blobs/sha256/config', Layers: names }]),
    }),
  ]);
}

const clean = { 'app/main.py': 'print(1)\n' };

test('finds nothing where nothing is, and says how many layers it looked through', async () => {
  const scan = await findSecret(await saved([await tar(clean), await tar({})]), SECRET);
  expect(scan).toEqual({ layers: 2, findings: [] });
});

test.each([
  ['plain', (layer: Buffer) => layer],
  ['gzip', (layer: Buffer) => gzipSync(layer)],
  ['zstd', (layer: Buffer) => zstdCompressSync(layer)],
])('finds a secret in a %s layer', async (_packing, packed) => {
  const layer = packed(await tar({ ...clean, 'app/.env': `KEY=${SECRET}\n` }));
  const { findings } = await findSecret(await saved([await tar(clean), layer]), SECRET);
  expect(findings).toEqual([{ layer: 2, path: 'app/.env', hidden: false }]);
});

test('finds a file that a later layer deletes, and says that the bytes stay', async () => {
  const layers = [await tar({ 'app/.env': SECRET }), await tar({ 'app/.wh..env': '' })];
  expect((await findSecret(await saved(layers), SECRET)).findings).toEqual([
    { layer: 1, path: 'app/.env', hidden: true },
  ]);
});

test('finds it below a folder that a later layer deletes or empties', async () => {
  const deleted = [await tar({ 'app/conf/.env': SECRET }), await tar({ 'app/.wh.conf': '' })];
  const emptied = [await tar({ 'app/conf/.env': SECRET }), await tar({ 'app/conf/.wh..wh..opq': '' })];
  for (const layers of [deleted, emptied])
    expect((await findSecret(await saved(layers), SECRET)).findings).toMatchObject([
      { layer: 1, hidden: true },
    ]);
});

test.each([
  ['as base64', (secret: string) => Buffer.from(`KEY=${secret}\n`).toString('base64')],
  ['as base64, one byte on', (secret: string) => Buffer.from(`XKEY=${secret}\n`).toString('base64')],
  ['as base64, two bytes on', (secret: string) => Buffer.from(`XXKEY=${secret}\n`).toString('base64')],
  ['as hex', (secret: string) => Buffer.from(secret).toString('hex')],
  ['in a gzip file', (secret: string) => gzipSync(`KEY=${secret}`)],
  ['after a lot else', (secret: string) => `${'x'.repeat(200 * THOUSAND)}${secret}`],
])('finds it %s', async (_how, disguised) => {
  const layer = await tar({ file: disguised(SECRET) });
  expect((await findSecret(await saved([layer]), SECRET)).findings).toHaveLength(1);
});

test('finds it in the name of a file', async () => {
  const { findings } = await findSecret(await saved([await tar({ [`keys/${SECRET}`]: 'x' })]), SECRET);
  expect(findings).toHaveLength(1);
});

test('finds it in the configuration and the history', async () => {
  const config = { history: [{ created_by: `ARG KEY=${SECRET}` }] };
  expect((await findSecret(await saved([await tar(clean)], config), SECRET)).findings).toEqual([
    { layer: 0, path: 'configuration and history', hidden: false },
  ]);
});

test('a layer that can’t be decoded is trouble, never “no secret”', async () => {
  const layers = [await tar(clean), Buffer.from('neither a tar nor anything known '.repeat(100))];
  await expect(findSecret(await saved(layers), SECRET)).rejects.toThrow(
    '1 of 2 layers could not be decoded.',
  );
});

test('a layer that the manifest names but the archive lacks is trouble too', async () => {
  const manifest = [{ Config: 'c', Layers: ['blobs/sha256/layer0', 'blobs/sha256/gone'] }];
  await expect(findSecret(await saved([await tar(clean)], {}, manifest), SECRET)).rejects.toThrow(
    '1 of 2 layers could not be decoded.',
  );
});

test('an image without a manifest is trouble', async () => {
  await expect(findSecret(Readable.from([await tar({ file: 'x' })]), SECRET)).rejects.toThrow('no manifest');
});

test('a cut-off compressed layer is trouble', async () => {
  const layer = gzipSync(await tar({ 'a.bin': Buffer.alloc(100 * THOUSAND, 'abc') }));
  await expect(findSecret(await saved([layer.subarray(0, layer.length / 2)]), SECRET)).rejects.toThrow();
});
