import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameDecoder } from './stream-frames.ts';

function framed(pieces: readonly (readonly ['stdout' | 'stderr', Uint8Array])[]): Buffer {
  return Buffer.concat(
    pieces.map(([kind, payload]) => {
      const header = Buffer.alloc(8);
      header[0] = kind === 'stderr' ? 2 : 1;
      header.writeUInt32BE(payload.length, 4);
      return Buffer.concat([header, payload]);
    }),
  );
}

const piece = fc.tuple(
  fc.constantFrom('stdout' as const, 'stderr' as const),
  fc.uint8Array({ maxLength: 40 }),
);

test('output comes out whole and apart, wherever the connection cuts it', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 13 })),
      (pieces, cuts) => {
        const seen = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
        const decode = frameDecoder((kind, payload) => {
          seen[kind] = Buffer.concat([seen[kind], payload]);
        });
        let rest = framed(pieces);
        for (const cut of cuts) {
          decode(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        decode(rest);
        for (const kind of ['stdout', 'stderr'] as const) {
          const sent = Buffer.concat(pieces.filter(([of]) => of === kind).map(([, payload]) => payload));
          expect(seen[kind].equals(sent)).toBe(true);
        }
      },
    ),
  );
});
