// The ways a request is turned down: a code for the page, a status for HTTP, words for the learner.
import type { Problem, ProblemCode } from '../protocol.ts';

const STATUS = {
  'bad-request': 400,
  'wrong-origin': 403,
  'not-yours': 403,
  'no-such-lab': 404,
  'no-such-lesson': 404,
  'no-sandbox': 404,
  'start-under-way': 409,
  'check-under-way': 409,
  'too-many-labs': 409,
  'too-many-requests': 429,
  'out-of-capacity': 503,
  'engine-missing': 503,
  'engine-lost': 503,
  internal: 500,
} as const satisfies Record<ProblemCode, number>;

interface RefusalDetails {
  /** What to do next. */
  readonly next?: string;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An expected "no". Its message says what happened and what is safe; it is meant to be read by a learner. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ProblemCode;
  readonly next: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, message: string, details: RefusalDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.next = details.next;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get status(): number {
    return STATUS[this.code];
  }

  get problem(): Problem {
    const { code, message, next } = this;
    return { error: next === undefined ? { code, message } : { code, message, next } };
  }
}

/** What a learner hears when something failed that should not have: nothing that an attacker could use. */
export function internalRefusal(cause: unknown): Refusal {
  return new Refusal('internal', 'Something went wrong on our side. Your work was not touched.', {
    next: 'Try once more. If it happens again, tell whoever runs this Slipway; the log has the details.',
    cause,
  });
}

export function engineLost(cause?: unknown): Refusal {
  return new Refusal(
    'engine-lost',
    'The Docker engine that runs the labs does not answer at the moment. What you did is kept as long as its containers live.',
    {
      next: 'Wait a little; the page goes on by itself when the engine is back.',
      retryAfterSeconds: 5,
      cause,
    },
  );
}
