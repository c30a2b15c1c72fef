// When to try a lost connection again, and when not to.
import { TERMINAL_CLOSE } from '../protocol.ts';

/** Milliseconds. The first try is at once for a person and late enough for a restarting server. */
const FIRST_DELAY_MS = 250;
/** Milliseconds. A class of thirty that lost its server must not ask more often than this each. */
const LONGEST_DELAY_MS = 8_000;

/** Milliseconds until try number `attempt` (from 0). `random` from 0 to 1 spreads a whole class over half the delay. */
export function retryDelayMs(attempt: number, random: number): number {
  const delay = Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS);
  return delay * (0.5 + random / 2);
}

export type Ending = 'retry' | 'gone' | 'refused' | 'faulty';

/** What a close code means to the page. */
export function endingOf(code: number): Ending {
  if (code === TERMINAL_CLOSE.noSandbox) return 'gone';
  if (code === TERMINAL_CLOSE.notYours) return 'refused';
  if (code === TERMINAL_CLOSE.badFrame) return 'faulty';
  return 'retry';
}
