// One shell that outlives its sockets: its screen, the pages that look at it, and the pace it may write at.
import type { Shell, TerminalSize } from '../engine/spawner.ts';
import { SandboxGone } from '../engine/spawner.ts';
import { LOW_WATER_BYTES, TERMINAL_CLOSE, type TerminalNotice } from '../protocol.ts';
import { AWAY_LINE, openKeptScreen } from './kept-screen.ts';
import type { Log } from './log.ts';
import { Account, isTerminalReply, mustPause, type Viewer } from './viewers.ts';

/** What a viewer may do to a terminal. */
export interface Attachment {
  input(data: Uint8Array): void;
  resize(size: TerminalSize): void;
  /** Cumulative bytes shown since the last replay. */
  acknowledge(bytes: number): void;
  /** The viewer has left. The shell runs on. */
  detach(): void;
}

export interface Terminal {
  /** Adds a viewer: it gets a replay of the screen, then output as it comes; no byte lost or doubled. */
  attach(viewer: Viewer, size: TerminalSize): Attachment;
  announce(notice: TerminalNotice): void;
  /** Closes every viewer and lets go. The journal stays as it is. */
  close(code: number, reason: string): void;
  /** Lets go of the shell in good order: its screen is on disk, whole, when this resolves. */
  rest(): Promise<void>;
}

export interface TerminalOptions {
  readonly size: TerminalSize;
  /** Attaches to the shell, starting it if there is none. */
  readonly connect: (size: TerminalSize) => Promise<Shell>;
  readonly journalFile: string;
  /** Called once, when the terminal has let go of its shell for any reason. */
  readonly closed: () => void;
  readonly log: Log;
  readonly now?: () => number;
  readonly silenceMs?: number;
}

/** Output is gathered for this long before it is sent, unless nothing was sent for as long: an echo goes at once. */
const GATHER_MS = 3;
/** Gathered output beyond this is sent at once: one frame should not block the page's own work for long. */
const GATHER_MOST_BYTES = 64 * 1024;
/** A viewer that holds the shell up and shows nothing for this long is dropped: a slept laptop must not stop a build. */
const SILENCE_MS = 30_000;
/** What a shell may write while nobody looks. A forgotten `yes` then costs the server a hundredth of a core, not a whole one. */
const UNWATCHED_BYTES = 256 * 1024;
const UNWATCHED_EVERY_MS = 250;
/** Silence before a stop after which we may say that nothing was missed, and how long a stop waits for it. */
const QUIET_MS = 100;
const QUIET_PATIENCE_MS = 400;
/** Pause before a lost connection is made anew: if the sandbox died, the word of it comes within this time. */
const LOST_PATIENCE_MS = 250;
/** A connection that was lost sooner than this after it was made is not made again: the pages try, with growing pauses. */
const LOST_AT_ONCE_MS = 5_000;
/** How long letting go of a shell may take before it is simply dropped. */
const DETACH_DEADLINE_MS = 2_000;
/** What a learner may type ahead while a new shell starts. */
const TYPED_AHEAD_MOST_BYTES = 4096;

/** Connects to a shell, with the screen that its journal remembers. Rejects as `connect` does. */
export async function openTerminal(options: TerminalOptions): Promise<Terminal> {
  const { closed, log } = options;
  const now = options.now ?? (() => performance.now());
  const silenceMs = options.silenceMs ?? SILENCE_MS;
  const accounts = new Set<Account>();
  let shell: Shell | undefined;
  let state: 'open' | 'exited' | 'restarting' | 'closed' = 'open';
  let front: Account | undefined;
  let typedAhead: Uint8Array[] = [];
  const over = Promise.withResolvers<void>();

  const screen = await openKeptScreen({
    file: options.journalFile,
    size: options.size,
    // A page answers for itself; with none, programs that ask would wait for ever.
    answer: (reply) => {
      if (accounts.size === 0) shell?.write(reply);
    },
    log,
  });

  // --- output -------------------------------------------------------------------------------------------------

  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let gatherTimer: NodeJS.Timeout | undefined;
  let sentAt = Number.NEGATIVE_INFINITY;
  let heardAt = Number.NEGATIVE_INFINITY;
  let unparsedBytes = 0;

  function take(chunk: Uint8Array): void {
    if (chunk.length === 0 || state === 'closed') return;
    heardAt = now();
    unparsedBytes += chunk.length;
    screen.write(chunk, () => {
      unparsedBytes -= chunk.length;
      if (paused && unparsedBytes < LOW_WATER_BYTES) regulate();
    });
    gathered.push(chunk);
    gatheredBytes += chunk.length;
    if (gatheredBytes >= GATHER_MOST_BYTES || heardAt - sentAt >= GATHER_MS) send();
    else gatherTimer ??= setTimeout(send, GATHER_MS);
  }

  function send(): void {
    clearTimeout(gatherTimer);
    gatherTimer = undefined;
    if (gatheredBytes === 0) return;
    const [first] = gathered;
    const bytes = gathered.length === 1 && first !== undefined ? first : Buffer.concat(gathered);
    gathered = [];
    gatheredBytes = 0;
    sentAt = now();
    for (const account of accounts) account.send(bytes, sentAt);
    if (accounts.size === 0) unwatchedBytes += bytes.length;
    regulate();
  }

  // --- pace ---------------------------------------------------------------------------------------------------

  let paused = false;
  let unwatchedBytes = 0;
  let unwatchedTimer: NodeJS.Timeout | undefined;
  let silenceTimer: NodeJS.Timeout | undefined;

  function regulate(): void {
    if (unwatchedBytes > UNWATCHED_BYTES && accounts.size === 0 && unwatchedTimer === undefined) {
      unwatchedTimer = setTimeout(() => {
        unwatchedTimer = undefined;
        unwatchedBytes = 0;
        regulate();
      }, UNWATCHED_EVERY_MS);
    }
    const held = unwatchedTimer !== undefined && accounts.size === 0;
    const owed = Math.max(unparsedBytes, ...[...accounts].map((account) => account.debtBytes));
    const next = held || mustPause(paused, owed);
    if (next !== paused) {
      paused = next;
      if (paused) shell?.pause();
      else shell?.resume();
    }
    if (paused && accounts.size > 0) silenceTimer ??= setTimeout(dropSilent, silenceMs / 2);
  }

  function dropSilent(): void {
    silenceTimer = undefined;
    for (const account of accounts) {
      if (account.silentMs(now()) < silenceMs || account.debtBytes < LOW_WATER_BYTES) continue;
      leave(account);
      account.viewer.close(
        1013,
        'This page stopped showing output for 30 seconds; the shell goes on without it.',
      );
    }
    regulate();
  }

  // --- size ---------------------------------------------------------------------------------------------------

  let resizing = false;

  function setSize(size: TerminalSize): void {
    if (sameSize(size, screen.size)) return;
    send();
    screen.resize(size);
    for (const account of accounts) account.stale = true;
    if (!resizing) void resizeShell();
  }

  /** Gives the shell the newest size, one call at a time, so that a drag's sizes can't overtake one another. */
  async function resizeShell(): Promise<void> {
    resizing = true;
    for (let given: TerminalSize | undefined; given === undefined || !sameSize(given, screen.size); ) {
      given = screen.size;
      try {
        await shell?.resize(given);
      } catch (error) {
        log.debug(error, 'A shell did not take its new size');
      }
    }
    resizing = false;
  }

  // --- viewers ------------------------------------------------------------------------------------------------

  function repaint(account: Account): void {
    account.stale = false;
    account.beginReplay();
    screen.snapshot((snapshot) => {
      if (!accounts.has(account)) return;
      account.replay(screen.size, snapshot, now());
      if (state === 'exited') account.viewer.notice({ type: 'exited' });
      regulate();
    });
  }

  /** The viewer that acts is in front: the screen takes its size. */
  function bringToFront(account: Account): void {
    front = account;
    const stale = account.stale;
    setSize(account.size);
    account.stale = false;
    // Its own terminal was not told of sizes in between, so what it shows may be wrapped wrongly.
    if (stale) {
      send();
      repaint(account);
    }
  }

  function leave(account: Account): void {
    if (!accounts.delete(account)) return;
    if (front === account) {
      front = [...accounts].at(-1);
      if (front !== undefined) bringToFront(front);
    }
    regulate();
  }

  function announce(notice: TerminalNotice): void {
    for (const account of accounts) account.viewer.notice(notice);
  }

  function input(account: Account, data: Uint8Array): void {
    if (!accounts.has(account) || data.length === 0) return;
    if (isTerminalReply(data)) {
      if (account === front) shell?.write(data);
      return;
    }
    bringToFront(account);
    if (state === 'open') shell?.write(data);
    else if (state === 'exited') {
      if (data.includes(0x0d) || data.includes(0x0a)) void restart();
    } else if (state === 'restarting') {
      const before = typedAhead.reduce((total, typed) => total + typed.length, 0);
      if (before + data.length <= TYPED_AHEAD_MOST_BYTES) typedAhead.push(data);
    }
  }

  // --- the shell ----------------------------------------------------------------------------------------------

  let connectedAt = Number.NEGATIVE_INFINITY;
  let lostTimer: NodeJS.Timeout | undefined;

  function use(next: Shell): void {
    shell = next;
    connectedAt = now();
    next.onData(take);
    if (paused) next.pause();
    void next.ended.then((how) => {
      if (shell !== next) return;
      send();
      shell = undefined;
      if (how === 'exited') {
        state = 'exited';
        for (const account of accounts) if (!account.replaying) account.viewer.notice({ type: 'exited' });
      } else if (how === 'lost') lost();
    });
  }

  function lost(): void {
    state = 'restarting';
    const atOnce = now() - connectedAt < LOST_AT_ONCE_MS;
    lostTimer = setTimeout(() => {
      if (!atOnce) void restart(AWAY_LINE);
      else close(TERMINAL_CLOSE.engineLost, 'The connection to the shell was lost; the shell is kept.');
    }, LOST_PATIENCE_MS);
  }

  /** Connects again: to a new shell after `exit`, to the same one after the connection was lost. */
  async function restart(line = ''): Promise<void> {
    state = 'restarting';
    try {
      const next = await options.connect(screen.size);
      if (wasClosed()) {
        await next.detach();
        return;
      }
      state = 'open';
      if (line !== '' && !screen.fullScreen) take(Buffer.from(`\r\n${line}`));
      use(next);
      for (const typed of typedAhead) next.write(typed);
    } catch (error) {
      const { code, reason } = closeFor(error);
      close(code, reason);
    } finally {
      typedAhead = [];
    }
  }

  // A function, so that the compiler knows the state may have changed across an await.
  function wasClosed(): boolean {
    return state === 'closed';
  }

  function letGo(): void {
    state = 'closed';
    for (const timer of [gatherTimer, unwatchedTimer, silenceTimer, lostTimer]) clearTimeout(timer);
    accounts.clear();
    screen.dispose();
    closed();
    over.resolve();
  }

  function close(code: number, reason: string): void {
    if (state === 'closed') return;
    send();
    const viewers = [...accounts].map((account) => account.viewer);
    const last = shell;
    shell = undefined;
    letGo();
    for (const viewer of viewers) viewer.close(code, reason);
    last?.detach().catch((error) => log.debug(error, 'A shell could not be let go of'));
  }

  async function rest(): Promise<void> {
    if (state === 'closed') return;
    const began = now();
    while (now() - heardAt < QUIET_MS && now() - began < QUIET_PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS / 5));
    }
    const complete = now() - heardAt >= QUIET_MS && state !== 'restarting';
    const last = shell;
    if (last !== undefined) {
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, DETACH_DEADLINE_MS);
      await Promise.race([last.detach().catch(() => {}), deadline.promise]);
      clearTimeout(timer);
    }
    if (wasClosed()) return;
    send();
    shell = undefined;
    const viewers = [...accounts].map((account) => account.viewer);
    await Promise.race([screen.finish(complete), over.promise]);
    if (wasClosed()) return;
    letGo();
    for (const viewer of viewers) viewer.close(1012, 'Slipway is restarting; this shell is kept.');
  }

  try {
    use(await options.connect(options.size));
  } catch (error) {
    screen.dispose();
    throw error;
  }

  return {
    attach(viewer, size) {
      // What was gathered is on the screen already, so it is sent before the newcomer is there to get it twice.
      send();
      const account = new Account(viewer, size, now());
      accounts.add(account);
      front = account;
      setSize(size);
      repaint(account);
      return {
        input: (data) => input(account, data),
        acknowledge(bytes) {
          account.acknowledge(bytes, now());
          if (paused) regulate();
        },
        resize(next) {
          account.size = next;
          if (accounts.has(account)) bringToFront(account);
        },
        detach: () => leave(account),
      };
    },
    announce,
    close,
    rest,
  };
}

/** What to tell a page whose shell could not be reached. */
export function closeFor(error: unknown): { code: number; reason: string } {
  return error instanceof SandboxGone
    ? { code: TERMINAL_CLOSE.noSandbox, reason: 'This container is not there any more.' }
    : { code: TERMINAL_CLOSE.engineLost, reason: 'The engine does not answer; your work is kept.' };
}

function sameSize(one: TerminalSize, other: TerminalSize): boolean {
  return one.cols === other.cols && one.rows === other.rows;
}
