// What a quiz.yaml holds, and what its author is told when it doesn't.
import { parse } from 'yaml';
import { z } from 'zod';

const item = {
  /** Stable name of the item; answers are recorded under it. */
  id: z
    .string()
    .regex(
      /^[a-z0-9-]+$/,
      'expected small letters, digits and dashes, for example id: what-re-runs-the-install',
    ),
  /** Markdown. */
  question: z.string().min(1, 'expected the question in Markdown'),
  /** Slug of the earlier lesson that a repeated item comes from. */
  from: z.string().optional(),
};

const option = z.strictObject({
  /** Markdown. */
  text: z.string().min(1),
  /** True for the one right option. */
  correct: z.literal(true).optional(),
  /** For a wrong option: the id of the idea it comes from. */
  misconception: z
    .string()
    .regex(/^MC-[A-Z0-9-]+$/, 'expected a misconception id, for example misconception: MC-IMG-02')
    .optional(),
  /** Markdown: why it is right, or what its chooser believed. */
  because: z.string().min(1, 'expected a sentence that says why'),
});

/** Pick one of several. */
const choice = z
  .strictObject({ ...item, kind: z.literal('choice'), options: z.array(option).min(2).max(6) })
  .refine((quizItem) => quizItem.options.filter((each) => each.correct).length === 1, {
    error: 'expected exactly one option with `correct: true`',
  })
  .refine((quizItem) => quizItem.options.every((each) => each.correct || each.misconception), {
    error: 'expected every wrong option to name the idea it comes from, for example misconception: MC-IMG-02',
  });

/** Put lines into order. */
const order = z.strictObject({
  ...item,
  kind: z.literal('order'),
  /** In the right order; the page shuffles them. */
  lines: z.array(z.string().min(1)).min(3).max(12),
  /** Markdown: why this order. */
  because: z.string().min(1),
});

const quizFile = z.strictObject({
  items: z
    .array(z.discriminatedUnion('kind', [choice, order], { error: 'expected kind: choice or kind: order' }))
    .min(1),
});
export type QuizItem = z.infer<typeof quizFile>['items'][number];

/** Reads a quiz. An error names the file, the item and what was expected there. */
export function parseQuiz(text: string, file: string): readonly QuizItem[] {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (cause) {
    throw new Error(`${file} is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const quiz = quizFile.safeParse(raw);
  if (!quiz.success) {
    const told = quiz.error.issues.map((issue) => `  ${whereIn(raw, issue.path)}: ${issue.message}`);
    throw new Error(`${file} is not a quiz yet:\n${told.join('\n')}`);
  }
  const ids = quiz.data.items.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice) throw new Error(`${file} has two items with the id "${twice}"; expected each id once`);
  return quiz.data.items;
}

/** `item order-eight-lines, lines`: numbers alone would make the author count. */
function whereIn(raw: unknown, path: readonly PropertyKey[]): string {
  const [, index, ...rest] = path;
  const items = (raw as { items?: { id?: unknown }[] } | null)?.items;
  const id = typeof index === 'number' ? items?.[index]?.id : undefined;
  const name = typeof id === 'string' ? `item ${id}` : path.slice(0, 2).map(String).join(' ');
  return [name, ...rest.map((part) => (typeof part === 'number' ? `number ${part + 1}` : String(part)))].join(
    ', ',
  );
}

/** Another order of the same lines, the same at every build, and never the right one. */
export function shuffled(lines: readonly string[]): number[] {
  const indices = lines.map((_, index) => index);
  let state = lines.join('\n').length * 2654435761;
  for (let at = indices.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (at + 1);
    const held = indices[at] ?? 0;
    indices[at] = indices[other] ?? 0;
    indices[other] = held;
  }
  return indices.every((line, index) => lines[line] === lines[index]) ? indices.toReversed() : indices;
}
