// A terminal's screen on disk: a snapshot and what was written after it, so that even a killed server finds it again.
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { TerminalSize } from '../engine/spawner.ts';
import type { Log } from './log.ts';

/** What a journal says when it is read back. */
export interface RememberedScreen {
  /** The size to begin with. */
  readonly size: TerminalSize;
  /** In order: output to write, sizes to change to. */
  readonly steps: readonly (Uint8Array | TerminalSize)[];
  /** True if nothing can have been missed after the last step: the server let go in good order. */
  readonly complete: boolean;
}

/** Written on each chunk, replaced now and then. It never throws: a full disk costs the memory, not the terminal. */
export interface ScreenJournal {
  /** Bytes appended since the last snapshot. */
  readonly appendedBytes: number;
  /** Begins anew with a snapshot of the screen. The old file stands until the new one is whole. */
  begin(size: TerminalSize, snapshot: Uint8Array, complete?: boolean): void;
  append(output: Uint8Array): void;
  resized(size: TerminalSize): void;
  close(): void;
}

const FORMAT = 1;
const header = z.object({
  format: z.literal(FORMAT),
  cols: z.number().int().min(1).max(1000),
  rows: z.number().int().min(1).max(1000),
  complete: z.boolean(),
});
const resize = header.pick({ cols: true, rows: true });

/** Kinds of record; each is its kind (1 byte), its length (4 bytes, big endian) and its bytes. */
const HEADER = 0x48;
const OUTPUT = 0x4f;
const RESIZE = 0x52;
const RECORD_HEAD_BYTES = 5;

export function createJournal(file: string, log: Log): ScreenJournal {
  let descriptor: number | undefined;
  let appendedBytes = 0;

  function close(): void {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }
  function attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      // Half a record would garble what follows it, so nothing follows it until the next snapshot.
      log.warn(
        error,
        'A terminal screen could not be written to disk; after a restart it would be an older one',
      );
      close();
    }
  }
  function record(kind: number, bytes: Uint8Array): void {
    const head = Buffer.alloc(RECORD_HEAD_BYTES);
    head[0] = kind;
    head.writeUInt32BE(bytes.length, 1);
    writeWhole(descriptor, Buffer.concat([head, bytes]));
    appendedBytes += bytes.length;
  }

  return {
    get appendedBytes() {
      return appendedBytes;
    },
    begin(size, snapshot, complete = false) {
      close();
      attempt(() => {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        const next = `${file}.next`;
        descriptor = openSync(next, 'w', 0o600);
        record(HEADER, Buffer.from(JSON.stringify({ format: FORMAT, ...size, complete })));
        if (snapshot.length > 0) record(OUTPUT, snapshot);
        renameSync(next, file);
      });
      appendedBytes = 0;
    },
    append(output) {
      if (descriptor !== undefined) attempt(() => record(OUTPUT, output));
    },
    resized(size) {
      if (descriptor !== undefined) attempt(() => record(RESIZE, Buffer.from(JSON.stringify(size))));
    },
    close,
  };
}

function writeWhole(descriptor: number | undefined, bytes: Uint8Array): void {
  if (descriptor === undefined) return;
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

/** Reads a journal back, up to the record that a kill cut short; undefined if there is none that can be read. */
export function readJournal(file: string): RememberedScreen | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    // No journal, or none that we may read: the terminal begins with an empty screen.
    return undefined;
  }
  const records = split(bytes);
  const [first, ...rest] = records;
  const begun = first?.kind === HEADER ? header.safeParse(parseJson(first.bytes)) : undefined;
  if (!begun?.success) return undefined;
  const steps: (Uint8Array | TerminalSize)[] = [];
  for (const { kind, bytes } of rest) {
    if (kind === OUTPUT) steps.push(bytes);
    else if (kind === RESIZE) {
      const size = resize.safeParse(parseJson(bytes));
      if (size.success) steps.push(size.data);
    }
  }
  const { cols, rows, complete } = begun.data;
  return { size: { cols, rows }, steps, complete };
}

export function removeJournal(file: string): void {
  rmSync(file, { force: true });
  rmSync(`${file}.next`, { force: true });
}

function split(bytes: Buffer): { kind: number; bytes: Uint8Array }[] {
  const records: { kind: number; bytes: Uint8Array }[] = [];
  for (let at = 0; at + RECORD_HEAD_BYTES <= bytes.length; ) {
    const kind = bytes[at] ?? 0;
    const length = bytes.readUInt32BE(at + 1);
    const from = at + RECORD_HEAD_BYTES;
    at = from + length;
    // Of output that was cut short, what is there was shown; of anything else, nothing can be told.
    if (at <= bytes.length || kind === OUTPUT) records.push({ kind, bytes: bytes.subarray(from, at) });
  }
  return records;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // The caller's schema turns it down.
    return undefined;
  }
}
