// Every message that crosses the network between the page and the server, with its parser.
import { z } from 'zod';
import type { CheckResult } from '../grader/check.ts';

/** Error body of every `/api/*` answer that is not 2xx. `message` says what happened and what is safe; `next` what to do. */
export interface Problem {
  readonly error: { readonly code: ProblemCode; readonly message: string; readonly next?: string };
}
export type ProblemCode =
  | 'bad-request'
  | 'wrong-origin'
  | 'not-yours'
  | 'no-such-lab'
  | 'no-such-lesson'
  | 'no-sandbox'
  | 'start-under-way'
  | 'check-under-way'
  | 'too-many-labs'
  | 'too-many-requests'
  | 'out-of-capacity'
  | 'engine-missing'
  | 'engine-lost'
  | 'internal';

/** `GET /api/status`: can labs be done here, and if not, why and what to do. */
export interface ServerStatus {
  readonly labs: 'ready' | 'preparing' | 'unavailable';
  /** For `preparing` and `unavailable`: what is missing and how to get it. */
  readonly message?: string;
  readonly next?: string;
  readonly isolation?: 'userns' | 'privileged';
}

export interface SandboxState {
  readonly id: string;
  readonly startedAt: string;
  readonly expiresAt: string;
}

/** `GET /api/labs/:lab`: this learner's standing in a lab. */
export interface LabState {
  readonly lab: string;
  /** `starting` while a start is under way, here or in another tab. */
  readonly sandbox: SandboxState | 'starting' | null;
  readonly passedTasks: readonly string[];
  readonly points: number;
  readonly of: number;
  /** The last results of each check that ran, oldest report first merged away. */
  readonly results: readonly CheckResult[];
  /** Hints already asked for, so a reload shows them again. */
  readonly hints: readonly { readonly task: string; readonly level: 1 | 2 | 3; readonly text: string }[];
}

/** `GET /api/me`: progress for the course page, a fold over the learner's events. */
export interface Progress {
  readonly labs: Readonly<
    Record<
      string,
      {
        readonly started: boolean;
        readonly passedTasks: readonly string[];
        readonly points: number;
        readonly of: number;
      }
    >
  >;
  readonly lessons: Readonly<
    Record<
      string,
      { readonly read: boolean; readonly quiz: Readonly<Record<string, { readonly correct: boolean }>> }
    >
  >;
}

// POST /api/labs/:lab/sandbox        → 201 SandboxState (joins a start under way; 200 if it is already there)
// POST /api/labs/:lab/reset          → 201 SandboxState (a fresh one; what was in the old one is gone)
// DELETE /api/labs/:lab/sandbox      → 204
// POST /api/labs/:lab/check          → 200, application/x-ndjson: one CheckEvent a line, as they land
// POST /api/labs/:lab/hint           → 200 { text }
// POST /api/lessons/:lesson/read     → 204
// POST /api/lessons/:lesson/quiz     → 204

/** One line of the answer to a Check. */
export type CheckEvent =
  | {
      readonly type: 'started';
      readonly checks: readonly { readonly id: string; readonly task: string; readonly title: string }[];
    }
  | { readonly type: 'result'; readonly result: CheckResult }
  | {
      readonly type: 'finished';
      readonly passedTasks: readonly string[];
      readonly points: number;
      readonly of: number;
      readonly ms: number;
    }
  | { readonly type: 'problem'; readonly problem: Problem };

const identifier = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,79}$/);

/** Body of `POST /api/labs/:lab/check`. Without `task`, all tasks are checked. */
export const checkRequest = z.strictObject({ task: identifier.optional() });
export const hintRequest = z.strictObject({
  task: identifier,
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
});
export const quizAnswer = z.strictObject({
  item: identifier,
  correct: z.boolean(),
  misconception: z.string().max(40).optional(),
});

/** The socket: `GET /api/terminal?lab=etl-dockerfile&shell=1&cols=80&rows=24`, upgraded. */
export const terminalQuery = z.strictObject({
  lab: identifier,
  shell: z.enum(['1', '2', '3']),
  cols: z.coerce.number().int().min(2).max(500),
  rows: z.coerce.number().int().min(1).max(300),
});

/** What the page may send as text frames; binary frames are keystrokes, as UTF-8. */
export const terminalRequest = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('resize'),
    cols: z.number().int().min(2).max(500),
    rows: z.number().int().min(1).max(300),
  }),
  /** Bytes of output since the last `replay` that xterm has parsed, cumulative. */
  z.strictObject({ type: z.literal('ack'), bytes: z.number().int().min(0) }),
]);
export type TerminalRequest = z.infer<typeof terminalRequest>;

/** What the server sends as text frames; binary frames are output. */
export type TerminalNotice =
  /** The next `bytes` bytes of output repaint the screen as it was; reset before, and count acks from here. */
  | { readonly type: 'replay'; readonly cols: number; readonly rows: number; readonly bytes: number }
  /** The shell itself ended (`exit`); Enter starts a new one. */
  | { readonly type: 'exited' }
  /** Something to tell the learner beside the terminal. */
  | { readonly type: 'notice'; readonly level: 'info' | 'warning'; readonly message: string };

/** Close codes of the terminal socket beyond the standard ones, and what they mean to the page. */
export const TERMINAL_CLOSE = {
  /** Malformed or unexpected frame. Do not retry. */
  badFrame: 4400,
  /** Not this learner's sandbox, or no cookie. Do not retry. */
  notYours: 4403,
  /** There is no sandbox any more. Offer to start one. */
  noSandbox: 4404,
  /** The engine is away; the work is kept. Retry with backoff. */
  engineLost: 4503,
} as const;

/** Largest frame the server takes from a page: a large paste fits, an attack does not. */
export const TERMINAL_FRAME_MAX_BYTES = 256 * 1024;
/** Above this many unacknowledged bytes the shell is paused (DESIGN 6). */
export const HIGH_WATER_BYTES = 128 * 1024;
/** Below this many it runs on; the page must acknowledge in smaller steps than this. */
export const LOW_WATER_BYTES = 32 * 1024;
