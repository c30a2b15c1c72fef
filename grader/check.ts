// What a check is, and the four ways it can come out.

/** The four outcomes. `error` is the grader's fault and never costs the learner a point. */
export type Status = 'pass' | 'fail' | 'blocked' | 'error';

/** One thing the grader looked at: where it asked, which field it read, what stood there. */
export interface Evidence {
  /** The call, as a reader could repeat it: `GET /containers/loader/json`. */
  readonly api: string;
  /** Path inside the answer: `.NetworkSettings.Networks`. */
  readonly field: string;
  readonly value: unknown;
}

/** What `judge` decides. */
export type Verdict =
  | { readonly status: 'pass'; readonly actual?: string; readonly evidence?: readonly Evidence[] }
  | {
      readonly status: 'fail';
      readonly expected: string;
      readonly actual: string;
      readonly evidence: readonly Evidence[];
      /** A command the learner can paste to see the same thing. Executed by the lab's proof. */
      readonly see: string;
      /** Why it matters, in a sentence or two. */
      readonly why: string;
      /** `MC-NET-02`: the wrong idea this usually comes from. */
      readonly misconception?: string;
    }
  /** The positive control failed, so a negative answer would mean nothing. */
  | { readonly status: 'blocked'; readonly because: string };

/** What one check costs the sandbox: it decides the wave it runs in. */
export type Cost = 'inspect' | 'exec' | 'container' | 'build';

/** One thing a lab asks for. `probe` looks and may take time; `judge` decides and is pure. */
export interface Check<Observation = unknown> {
  /** Unique in its lab, dotted: `image.non-root`. */
  readonly id: string;
  /** What must be true, as a sentence a learner reads. */
  readonly title: string;
  /** Ids of checks that must pass first; otherwise this one is `blocked`. */
  readonly needs: readonly string[];
  readonly cost: Cost;
  /** Names of things only one check at a time may touch: `container:postgres`. */
  readonly exclusive: readonly string[];
  /** True if it stops or recreates something of the learner's (and puts it back): runs only on an explicit Check. */
  readonly disruptive: boolean;
  readonly timeoutMs: number;
  probe(scene: import('./scene.ts').Scene, signal: AbortSignal): Promise<Observation>;
  judge(observation: Observation): Verdict;
}

/** One check's outcome, as it travels to the page, the terminal and the JSON report. */
export interface CheckResult {
  readonly id: string;
  readonly task: string;
  readonly title: string;
  readonly status: Status;
  readonly expected?: string;
  readonly actual?: string;
  readonly evidence: readonly Evidence[];
  readonly see?: string;
  readonly why?: string;
  readonly misconception?: string;
  /** For `blocked`: ids of the checks that must pass first, or empty if a control failed. */
  readonly blockedBy?: readonly string[];
  /** For `blocked` by a control and for `error`: a sentence. */
  readonly because?: string;
  readonly ms: number;
}

/** A lab's outcome: a task passes when all its checks do, and gives its points whole. */
export interface Report {
  readonly lab: string;
  readonly tasks: readonly { readonly id: string; readonly passed: boolean; readonly points: number }[];
  readonly points: number;
  readonly of: number;
  readonly results: readonly CheckResult[];
  readonly ms: number;
}
