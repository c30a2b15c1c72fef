// What every matcher takes: how the check is called in its lab, and what must pass before it.
import type { Check } from '../check.ts';

export interface Naming {
  /** Dotted, unique in the lab: `image.non-root`. */
  readonly id: string;
  /** In place of the matcher's own sentence. */
  readonly title?: string;
  readonly needs?: readonly string[];
  /** Why it matters, in place of the matcher's own words. */
  readonly why?: string;
  readonly misconception?: string;
  /** In place of the matcher's own `see` command. */
  readonly see?: string;
}

/** Time of a check that only asks the engine, in ms: an answer takes 1 ms, a sandbox under load a hundred times that. */
export const INSPECT_TIMEOUT_MS = 10_000;
/** Time of a check that starts a container, in ms: one takes 200 ms, on a loaded machine seconds. */
export const CONTAINER_TIMEOUT_MS = 60_000;
/** Time of a check that builds, in ms: a first `pip install` on a loaded machine takes half a minute. */
export const BUILD_TIMEOUT_MS = 180_000;

/** A check with the rarely used fields filled in. Also the way to write one by hand. */
export function check<Observation>(
  parts: Pick<Check<Observation>, 'id' | 'title' | 'probe' | 'judge' | 'cost'> & Partial<Check<Observation>>,
): Check {
  const timeouts = {
    inspect: INSPECT_TIMEOUT_MS,
    exec: INSPECT_TIMEOUT_MS,
    container: CONTAINER_TIMEOUT_MS,
    build: BUILD_TIMEOUT_MS,
  } as const;
  return {
    needs: [],
    exclusive: [],
    disruptive: false,
    timeoutMs: timeouts[parts.cost],
    ...parts,
  } as Check;
}

/** The naming's own words where it has some, else the matcher's. */
export function worded(naming: Naming, words: { why: string; see: string; misconception?: string }) {
  const misconception = naming.misconception ?? words.misconception;
  return {
    why: naming.why ?? words.why,
    see: naming.see ?? words.see,
    ...(misconception === undefined ? {} : { misconception }),
  };
}
