// The engine's framing of stdout and stderr on one connection: an 8-byte header before each piece.

/** Kind byte, three zero bytes, big-endian length: what the engine puts before each piece of output. */
const HEADER_BYTES = 8;

/**
 * Takes raw chunks, cut anywhere, and calls back with each piece of output as soon as it is there.
 * A piece may be delivered in several parts: nothing is held back to fill a frame.
 */
export function frameDecoder(
  piece: (kind: 'stdout' | 'stderr', payload: Buffer) => void,
): (chunk: Buffer) => void {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerFilled = 0;
  let kind: 'stdout' | 'stderr' = 'stdout';
  let remaining = 0;
  return (chunk) => {
    let offset = 0;
    while (offset < chunk.length) {
      if (remaining === 0) {
        const copied = chunk.copy(header, headerFilled, offset, offset + HEADER_BYTES - headerFilled);
        headerFilled += copied;
        offset += copied;
        if (headerFilled < HEADER_BYTES) return;
        headerFilled = 0;
        kind = header[0] === 2 ? 'stderr' : 'stdout';
        remaining = header.readUInt32BE(4);
        continue;
      }
      const payload = chunk.subarray(offset, offset + remaining);
      offset += payload.length;
      remaining -= payload.length;
      piece(kind, payload);
    }
  };
}
