// The facts that Slipway remembers about a learner: past tense, appended, never changed.
import { z } from 'zod';
import type { CheckResult } from '../../grader/check.ts';

const name = z.string().min(1).max(120);

/** Why a sandbox is gone: its learner ended it, its time was over, or it died. */
const endReason = z.enum(['learner', 'expired', 'out-of-memory', 'exited', 'engine-lost', 'vanished']);
export type EndReason = z.output<typeof endReason>;

const evidence = z.object({ api: z.string(), field: z.string(), value: z.unknown() });

const checkResult: z.ZodType<CheckResult> = z
  .object({
    id: z.string(),
    task: z.string(),
    title: z.string(),
    status: z.enum(['pass', 'fail', 'blocked', 'error']),
    expected: z.string().exactOptional(),
    actual: z.string().exactOptional(),
    evidence: z.array(evidence),
    see: z.string().exactOptional(),
    why: z.string().exactOptional(),
    misconception: z.string().exactOptional(),
    blockedBy: z.array(z.string()).exactOptional(),
    because: z.string().exactOptional(),
    ms: z.number(),
  })
  .readonly();

export const learningEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('lab-started'), lab: name }),
  /** The learner asked for a fresh sandbox; what was in the old one is gone. */
  z.object({ type: z.literal('lab-reset'), lab: name }),
  z.object({ type: z.literal('lab-ended'), lab: name, reason: endReason }),
  /** The first time only: a task that passed once stays passed. */
  z.object({ type: z.literal('task-passed'), lab: name, task: name, points: z.number() }),
  z.object({ type: z.literal('check-failed'), lab: name, check: name, misconception: name.exactOptional() }),
  /** What each check of one task said, the last time it ran. */
  z.object({ type: z.literal('checked'), lab: name, task: name, results: z.array(checkResult) }),
  z.object({ type: z.literal('hint-asked'), lab: name, task: name, level: z.literal([1, 2, 3]) }),
  z.object({ type: z.literal('lesson-read'), lesson: name }),
  z.object({
    type: z.literal('quiz-answered'),
    lesson: name,
    item: name,
    correct: z.boolean(),
    misconception: name.exactOptional(),
  }),
]);
export type LearningEvent = z.output<typeof learningEvent>;

/** A fact with its place in the log. */
export type RecordedEvent = LearningEvent & {
  readonly id: number;
  readonly at: string;
  readonly learner: string;
};
