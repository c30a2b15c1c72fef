// A screen that is on disk as it changes, and is found there again: after a restart, and after a kill.
import type { TerminalSize } from '../engine/spawner.ts';
import type { Log } from './log.ts';
import { createScreen, type Screen } from './screen.ts';
import { createJournal, readJournal } from './screen-journal.ts';

export interface KeptScreen extends Screen {
  /** Writes the whole screen to disk; `complete` if nothing can be missing in it. Nothing is written after it. */
  finish(complete: boolean): Promise<void>;
}

/** A journal longer than this begins anew with a snapshot… */
const JOURNAL_MOST_BYTES = 1024 * 1024;
/** …but not more often than this: a snapshot takes 25 ms. A flood in between is kept by the next one. */
const SNAPSHOT_EVERY_MS = 2_000;

/** The line that tells, in the terminal itself, that something may be missing where it stands. */
export const AWAY_LINE =
  '\x1b[0;2m(the connection to this shell was lost for a while; output may be missing here)\x1b[0m\r\n';
/** Ends whatever sequence was begun; by itself it does nothing. */
const CANCEL_SEQUENCE = Uint8Array.of(0x18);

export interface KeptScreenOptions {
  readonly file: string;
  readonly size: TerminalSize;
  /** Gets the terminal's replies to what programs ask of it. */
  readonly answer: (reply: string) => void;
  readonly log: Log;
}

/** The screen that a file remembers, in the size asked for; an empty one if it remembers none. */
export async function openKeptScreen(options: KeptScreenOptions): Promise<KeptScreen> {
  const { file, size, log } = options;
  let restoring = true;
  const screen = createScreen(size, (reply) => {
    if (!restoring) options.answer(reply);
  });
  await restore(screen, file);
  restoring = false;
  screen.resize(size);

  const journal = createJournal(file, log);
  // The old file stands until there is something new to say: it is right until then.
  let begun = false;
  let closed = false;
  let snapshotAt = performance.now();
  let snapshotTimer: NodeJS.Timeout | undefined;
  /** Output that comes while a snapshot is being made: it belongs behind it. */
  let behindSnapshot: Uint8Array[] | undefined;

  function begin(): void {
    begun = true;
    snapshotTimer = undefined;
    behindSnapshot = [];
    screen.snapshot((snapshot) => {
      const behind = behindSnapshot ?? [];
      behindSnapshot = undefined;
      if (closed) return;
      snapshotAt = performance.now();
      journal.begin(screen.size, snapshot);
      for (const bytes of behind) journal.append(bytes);
    });
  }

  function keep(chunk: Uint8Array): void {
    if (!begun) begin();
    if (behindSnapshot !== undefined) {
      behindSnapshot.push(chunk);
      return;
    }
    // Beyond its bound nothing is appended: the file stays true up to there until the next snapshot.
    if (snapshotTimer !== undefined) return;
    journal.append(chunk);
    if (journal.appendedBytes <= JOURNAL_MOST_BYTES) return;
    snapshotTimer = setTimeout(begin, Math.max(0, SNAPSHOT_EVERY_MS - (performance.now() - snapshotAt)));
  }

  function dispose(): void {
    closed = true;
    clearTimeout(snapshotTimer);
    journal.close();
    screen.dispose();
  }

  return {
    get size() {
      return screen.size;
    },
    get fullScreen() {
      return screen.fullScreen;
    },
    get atLineStart() {
      return screen.atLineStart;
    },
    write(chunk, parsed) {
      if (!closed) keep(chunk);
      screen.write(chunk, parsed);
    },
    resize(next) {
      screen.resize(next);
      if (begun && !closed) journal.resized(next);
    },
    snapshot: screen.snapshot,
    async finish(complete) {
      const snapshot = await new Promise<Uint8Array>((resolve) => {
        screen.snapshot(resolve);
      });
      if (closed) return;
      journal.begin(screen.size, snapshot, complete);
      dispose();
    },
    dispose,
  };
}

async function restore(screen: Screen, file: string): Promise<void> {
  const remembered = readJournal(file);
  if (remembered === undefined) return;
  screen.resize(remembered.size);
  let output: Uint8Array[] = [];
  const written = () => new Promise<void>((resolve) => screen.write(Buffer.concat(output), resolve));
  for (const step of remembered.steps) {
    if (step instanceof Uint8Array) {
      output.push(step);
      continue;
    }
    await written();
    output = [];
    screen.resize(step);
  }
  // A sequence that a kill cut in two would swallow what the shell says first.
  output.push(CANCEL_SEQUENCE);
  await written();
  if (remembered.complete || screen.fullScreen) return;
  output = [Buffer.from((screen.atLineStart ? '' : '\r\n') + AWAY_LINE)];
  await written();
}
