// The connection to whatever runs the sandboxes: there, not there yet, or lost and asked again until it answers.
import type { Sandbox, Spawner } from '../engine/spawner.ts';
import type { Log } from './log.ts';
import { engineLost, Refusal } from './refusal.ts';

export interface EngineLink {
  readonly state: 'absent' | 'ready' | 'lost';
  /** Uses this spawner from now on; resolves when what lives in it is taken over. Rejects, and goes on asking, if it doesn't answer. */
  use(spawner: Spawner): Promise<void>;
  /** The spawner, or the `Refusal` that tells why there is none. */
  require(): Spawner;
  /** True if the engine is away, asked at this moment. */
  away(): Promise<boolean>;
  /** Stops asking and listening; `require` refuses from now on. */
  close(): void;
}

export interface EngineLinkOptions {
  /** Takes over what lives, each time the engine is reached anew. Its first, synchronous part sees no other call between. */
  readonly takeOver: (living: Sandbox[]) => Promise<void>;
  readonly died: (sandboxId: string, cause: 'out-of-memory' | 'exited') => void;
  readonly log: Log;
  readonly retryEveryMs?: number | undefined;
}

/** First pause between two questions to an engine that is away; doubles up to `RETRY_MOST_MS`. */
const RETRY_EVERY_MS = 500;
const RETRY_MOST_MS = 10_000;

export function createEngineLink(options: EngineLinkOptions): EngineLink {
  const { takeOver, log } = options;
  let spawner: Spawner | undefined;
  let state: EngineLink['state'] = 'absent';
  let closed = false;
  let asking = false;
  let stopWatching = () => {};

  async function reach(from: Spawner): Promise<void> {
    const living = await from.list();
    if (from !== spawner || closed) return;
    state = 'ready';
    await takeOver(living);
  }

  function lose(cause: unknown): void {
    if (state === 'lost' || closed) return;
    log.warn(cause, 'The engine does not answer; asking again until it does');
    state = 'lost';
    if (!asking) void askAgain();
  }

  async function askAgain(): Promise<void> {
    asking = true;
    let pauseMs = options.retryEveryMs ?? RETRY_EVERY_MS;
    while (state === 'lost' && !closed && spawner !== undefined) {
      try {
        await reach(spawner);
        log.info('The engine answers again');
      } catch (error) {
        log.debug(error, 'The engine still does not answer');
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
        pauseMs = Math.min(pauseMs * 2, RETRY_MOST_MS);
      }
    }
    asking = false;
  }

  return {
    get state() {
      return state;
    },
    async use(next) {
      stopWatching();
      spawner = next;
      stopWatching = next.watch((sandboxId, cause) => {
        if (cause === 'engine-lost') lose(new Error('The event stream of the engine ended.'));
        else options.died(sandboxId, cause);
      });
      try {
        await reach(next);
      } catch (error) {
        lose(error);
        throw error;
      }
    },
    require() {
      if (closed) {
        throw new Refusal('engine-missing', 'Slipway is being stopped. Your labs are kept as they are.', {
          next: 'Come back when it has been started again.',
          retryAfterSeconds: 10,
        });
      }
      if (spawner === undefined || state === 'absent') {
        throw new Refusal('engine-missing', 'The labs are not ready yet. The lessons are.', {
          next: 'Wait a little, or read on.',
          retryAfterSeconds: 10,
        });
      }
      if (state === 'lost') throw engineLost();
      return spawner;
    },
    async away() {
      if (spawner === undefined || state === 'lost') return true;
      try {
        await spawner.list();
        return false;
      } catch (error) {
        lose(error);
        return true;
      }
    },
    close() {
      closed = true;
      stopWatching();
    },
  };
}
