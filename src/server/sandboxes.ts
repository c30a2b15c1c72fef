// Every learner's sandboxes over one Spawner: who may start, who shares a start, what ends when, what a restart finds.
import { type Sandbox, SandboxGone, type Spawner } from '../engine/spawner.ts';
import { createEngineLink } from './engine-link.ts';
import type { EndReason, LearningEvent } from './events.ts';
import type { Log } from './log.ts';
import { engineLost, internalRefusal, Refusal } from './refusal.ts';

export interface Sandboxes {
  /** Where the engine stands: `absent` until the first adoption, `lost` while it doesn't answer. */
  readonly engine: 'absent' | 'ready' | 'lost';
  /** Uses this spawner from now on. Resolves when the sandboxes that already live are known again and let run. */
  adopt(spawner: Spawner): Promise<void>;
  /** The learner's sandbox for a lab, started if there is none; `found` if it was there. Calls during a start share it. */
  open(learner: string, lab: string): Promise<{ readonly sandbox: Sandbox; readonly found: boolean }>;
  find(learner: string, lab: string): Sandbox | 'starting' | undefined;
  /** A fresh sandbox in the place of the learner's old one, which is removed first. */
  reset(learner: string, lab: string): Promise<Sandbox>;
  /** Removes the learner's sandbox, or stops its start. Ending what isn't there succeeds. */
  end(learner: string, lab: string): Promise<void>;
  /** Freezes every living sandbox for the next start to adopt, and takes no more requests. */
  close(): Promise<void>;
}

export interface SandboxesOptions {
  readonly capacity: number;
  readonly labMinutes: number;
  readonly record: (learner: string, event: LearningEvent) => Promise<void>;
  /** Called when a sandbox is no more. */
  readonly gone: (sandbox: Sandbox, reason: EndReason | 'reset') => void;
  /** Called `minutes` before a sandbox's time is over. */
  readonly expiring: (sandbox: Sandbox, minutes: number) => void;
  /** Called after each adoption with the ids of all that live. */
  readonly adopted: (living: ReadonlySet<string>) => void;
  readonly log: Log;
  readonly now?: () => Date;
  readonly startDeadlineMs?: number;
  readonly sweepEveryMs?: number;
  readonly retryEveryMs?: number;
}

/** A learner who forgets a lab does not hold the house: at most this many live at once, per learner. */
export const LABS_PER_LEARNER = 2;
/** A cold start takes under two seconds; what takes this long is not coming. */
const START_DEADLINE_MS = 60_000;
/** How late an expiry may be: nobody notices, and the sweep costs nothing. */
const SWEEP_EVERY_MS = 5_000;
/** Minutes before the end at which a learner is warned. */
const WARN_MINUTES = [10, 2] as const;

/** One learner's sandbox for one lab and the phase it is in. Phases go starting → running → ending → gone. */
interface Entry {
  readonly learner: string;
  readonly lab: string;
  phase: 'starting' | 'running' | 'ending';
  /** Settles when the phase is over; never rejects for `ending`. */
  done: Promise<unknown>;
  /** Stops a start. */
  readonly abort: AbortController;
  sandbox: Sandbox | undefined;
  warned: number;
}

export function createSandboxes(options: SandboxesOptions): Sandboxes {
  const { capacity, labMinutes, record, log } = options;
  const now = options.now ?? (() => new Date());
  const entries = new Map<string, Entry>();
  const link = createEngineLink({ takeOver, died, log, retryEveryMs: options.retryEveryMs });
  const sweeper = setInterval(sweep, options.sweepEveryMs ?? SWEEP_EVERY_MS);
  sweeper.unref();

  const keyOf = (learner: string, lab: string) => `${learner} ${lab}`;
  const place = (entry: Entry) => keyOf(entry.learner, entry.lab);
  const stands = (entry: Entry) => entries.get(place(entry)) === entry;

  function leave(entry: Entry): void {
    if (stands(entry)) entries.delete(place(entry));
  }

  function admit(learner: string): void {
    const own = [...entries.values()].filter((entry) => entry.learner === learner);
    if (own.length >= LABS_PER_LEARNER) {
      throw new Refusal(
        'too-many-labs',
        `You have ${own.length} labs open already (${own.map((entry) => entry.lab).join(', ')}), which is the most at a time. They are untouched.`,
        { next: 'End one of them on its page; your progress in it is kept.' },
      );
    }
    if (entries.size >= capacity) {
      const ends = [...entries.values()].map(
        (entry) => entry.sandbox?.expiresAt.getTime() ?? Number.POSITIVE_INFINITY,
      );
      const untilNextMs = Math.min(...ends) - now().getTime();
      throw new Refusal(
        'out-of-capacity',
        `All ${capacity} places for labs are taken at the moment. Nothing of yours is lost.`,
        {
          next: 'Try again in a minute: a place is free as soon as another learner ends a lab.',
          retryAfterSeconds: Math.ceil(Math.max(5_000, Math.min(60_000, untilNextMs)) / 1000),
        },
      );
    }
  }

  /**
   * Takes the place of this learner and lab, then starts a sandbox in it. `first` runs before the start, with the
   * place held already; a start that fails leaves the place as it was before `first` succeeded, empty after.
   */
  function start(
    learner: string,
    lab: string,
    event: 'lab-started' | 'lab-reset',
    first?: { readonly run: () => Promise<void>; readonly undo: () => void },
  ): Promise<Sandbox> {
    const from = link.require();
    const entry = hold(learner, lab, undefined);
    async function work(): Promise<Sandbox> {
      let undo = first?.undo;
      try {
        await first?.run();
        undo = undefined;
        const sandbox = await spawn(from, learner, lab, entry.abort);
        try {
          await record(learner, { type: event, lab });
        } catch (error) {
          await sandbox.remove();
          throw error;
        }
        return run(entry, sandbox);
      } catch (error) {
        leave(entry);
        undo?.();
        throw await explained(error);
      }
    }
    const done = work();
    entry.done = done;
    return done;
  }

  function hold(learner: string, lab: string, sandbox: Sandbox | undefined): Entry {
    const abort = new AbortController();
    const entry: Entry = {
      learner,
      lab,
      phase: 'starting',
      done: Promise.resolve(),
      abort,
      sandbox,
      warned: 0,
    };
    entries.set(place(entry), entry);
    return entry;
  }

  function run(entry: Entry, sandbox: Sandbox): Sandbox {
    entry.sandbox = sandbox;
    entry.phase = 'running';
    return sandbox;
  }

  async function spawn(
    from: Spawner,
    learner: string,
    lab: string,
    abort: AbortController,
  ): Promise<Sandbox> {
    const { signal } = abort;
    const expiresAt = new Date(now().getTime() + labMinutes * 60_000);
    const spawning = from.spawn({ learner, lab, expiresAt }, signal);
    const stopped = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => stopped.reject(signal.reason), { once: true });
    const deadlineMs = options.startDeadlineMs ?? START_DEADLINE_MS;
    const deadline = setTimeout(() => abort.abort(tooSlow(deadlineMs)), deadlineMs);
    // A spawner that comes back after it was told to stop must not leave a sandbox that nobody knows.
    spawning.then(
      (late) => {
        if (signal.aborted) late.remove().catch((error) => log.warn(error, 'A late sandbox stayed behind'));
      },
      () => {},
    );
    try {
      const sandbox = await Promise.race([spawning, stopped.promise]);
      signal.throwIfAborted();
      return sandbox;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** What to tell a learner of an error: an engine that is away, or our own stumble. */
  async function explained(error: unknown): Promise<Refusal> {
    if (error instanceof Refusal) return error;
    if (await link.away()) return engineLost(error);
    return internalRefusal(error);
  }

  /** Makes what we know equal to what lives. Starts under way are left alone. */
  async function takeOver(living: Sandbox[]): Promise<void> {
    const newestFirst = living.sort((one, other) => other.startedAt.getTime() - one.startedAt.getTime());
    const kept = new Set<string>();
    const waits: Promise<unknown>[] = [];
    for (const sandbox of newestFirst) {
      const twin = kept.has(keyOf(sandbox.learner, sandbox.lab));
      const before = entries.get(keyOf(sandbox.learner, sandbox.lab));
      if (!twin && before !== undefined && before.phase !== 'running') continue;
      if (twin || sandbox.expiresAt <= now()) {
        waits.push(discard(sandbox, twin));
        continue;
      }
      kept.add(keyOf(sandbox.learner, sandbox.lab));
      if (before?.sandbox !== undefined && before.sandbox.id !== sandbox.id) ended(before, 'vanished');
      waits.push(revive(sandbox));
    }
    for (const entry of [...entries.values()]) {
      if (entry.phase === 'running' && !kept.has(place(entry))) ended(entry, 'engine-lost');
    }
    await Promise.all(waits);
    options.adopted(new Set([...entries.values()].flatMap((entry) => entry.sandbox?.id ?? [])));
  }

  async function discard(sandbox: Sandbox, twin: boolean): Promise<void> {
    try {
      await sandbox.remove();
      if (!twin) await record(sandbox.learner, { type: 'lab-ended', lab: sandbox.lab, reason: 'expired' });
    } catch (error) {
      log.warn(error, 'A sandbox whose time is over could not be removed; the next sweep tries again');
    }
  }

  /** Takes a sandbox that lives already, lets it run on and waits for its engine. Callers meanwhile join the wait. */
  async function revive(sandbox: Sandbox): Promise<void> {
    const entry = hold(sandbox.learner, sandbox.lab, sandbox);
    async function work(): Promise<void> {
      const deadlineMs = options.startDeadlineMs ?? START_DEADLINE_MS;
      const deadline = setTimeout(() => entry.abort.abort(tooSlow(deadlineMs)), deadlineMs);
      try {
        await sandbox.thaw();
        await sandbox.ready(entry.abort.signal);
        run(entry, sandbox);
      } catch (error) {
        log.warn(error, 'A sandbox that lives does not come back to work');
        // Only one that is certainly no more is given up: a slow machine must not cost a learner their work.
        if (!(error instanceof SandboxGone)) run(entry, sandbox);
        else if (stands(entry)) ended(entry, 'exited');
      } finally {
        clearTimeout(deadline);
      }
    }
    const done = work();
    entry.done = done;
    await done;
  }

  /** Forgets a sandbox that died, tells everyone, and clears up what is left of it. */
  function ended(entry: Entry, reason: EndReason): void {
    const { sandbox, learner, lab } = entry;
    leave(entry);
    if (sandbox === undefined) return;
    options.gone(sandbox, reason);
    record(learner, { type: 'lab-ended', lab, reason }).catch((error) =>
      log.error(error, 'A fact was not recorded'),
    );
    sandbox.remove().catch((error) => log.debug(error, 'Nothing was left to remove of a dead sandbox'));
  }

  function died(sandboxId: string, cause: 'out-of-memory' | 'exited'): void {
    const entry = [...entries.values()].find(({ sandbox }) => sandbox?.id === sandboxId);
    if (entry !== undefined && entry.phase !== 'ending') ended(entry, cause);
  }

  /** Removes a running sandbox; if that fails it is running still, and the next try finds it. */
  function remove(entry: Entry, sandbox: Sandbox, reason: EndReason): Promise<void> {
    entry.phase = 'ending';
    const removal = sandbox.remove().then(
      async () => {
        leave(entry);
        options.gone(sandbox, reason);
        await record(entry.learner, { type: 'lab-ended', lab: entry.lab, reason });
      },
      async (error) => {
        entry.phase = 'running';
        throw await explained(error);
      },
    );
    entry.done = removal.catch(() => {});
    return removal;
  }

  function sweep(): void {
    if (link.state !== 'ready') return;
    for (const entry of entries.values()) {
      const { sandbox } = entry;
      if (entry.phase !== 'running' || sandbox === undefined) continue;
      const leftMs = sandbox.expiresAt.getTime() - now().getTime();
      if (leftMs <= 0) {
        remove(entry, sandbox, 'expired').catch((error) =>
          log.warn(error, 'An expired sandbox was not removed'),
        );
        continue;
      }
      const due = WARN_MINUTES.filter((minutes) => leftMs <= minutes * 60_000).length;
      if (due > entry.warned) {
        entry.warned = due;
        options.expiring(sandbox, Math.ceil(leftMs / 60_000));
      }
    }
  }

  return {
    get engine() {
      return link.state;
    },

    adopt: link.use,

    async open(learner, lab) {
      for (;;) {
        const entry = entries.get(keyOf(learner, lab));
        if (entry === undefined) break;
        if (entry.phase === 'running' && entry.sandbox !== undefined) {
          link.require();
          return { sandbox: entry.sandbox, found: true };
        }
        const joined = entry.phase === 'starting';
        await entry.done;
        if (joined && entry.sandbox !== undefined && stands(entry))
          return { sandbox: entry.sandbox, found: false };
      }
      // No wait between the look and the taking of the place, or two calls could both take it.
      link.require();
      admit(learner);
      return { sandbox: await start(learner, lab, 'lab-started'), found: false };
    },

    find(learner, lab) {
      const entry = entries.get(keyOf(learner, lab));
      if (entry?.phase === 'starting') return 'starting';
      return entry?.phase === 'running' ? entry.sandbox : undefined;
    },

    async reset(learner, lab) {
      link.require();
      const entry = entries.get(keyOf(learner, lab));
      if (entry !== undefined && entry.phase !== 'running') {
        throw new Refusal('start-under-way', 'A fresh container for this lab is already on its way.', {
          next: 'Wait for it; it takes a few seconds.',
        });
      }
      if (entry?.sandbox === undefined) {
        admit(learner);
        return start(learner, lab, 'lab-started');
      }
      const { sandbox } = entry;
      return start(learner, lab, 'lab-reset', {
        run: () => sandbox.remove().then(() => options.gone(sandbox, 'reset')),
        undo: () => entries.set(place(entry), entry),
      });
    },

    async end(learner, lab) {
      for (;;) {
        const entry = entries.get(keyOf(learner, lab));
        if (entry === undefined) return;
        if (entry.phase === 'running' && entry.sandbox !== undefined) {
          link.require();
          return await remove(entry, entry.sandbox, 'learner');
        }
        if (entry.phase === 'starting') entry.abort.abort(startStopped());
        await entry.done.catch(() => {});
      }
    },

    async close() {
      clearInterval(sweeper);
      link.close();
      const living = [...entries.values()];
      for (const entry of living) if (entry.phase === 'starting') entry.abort.abort(startStopped());
      await Promise.allSettled(living.map((entry) => entry.done));
      const frozen = await Promise.allSettled([...entries.values()].map((entry) => entry.sandbox?.freeze()));
      for (const outcome of frozen) {
        if (outcome.status === 'rejected')
          log.warn(outcome.reason, 'A sandbox could not be frozen and runs on');
      }
    },
  };
}

function tooSlow(deadlineMs: number): Refusal {
  return new Refusal(
    'internal',
    `Your container did not come up within ${Math.round(deadlineMs / 1000)} seconds, so its start was stopped. Nothing of yours is lost.`,
    { next: 'Try once more; the machine may have been busy.' },
  );
}

function startStopped(): Refusal {
  return new Refusal('no-sandbox', 'The start of this container was stopped.', {
    next: 'Start it again when you like.',
  });
}
