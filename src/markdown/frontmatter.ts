// What a lesson, a module and a lab must say about themselves, and what an author is told when they don't.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** One sentence that says what a field must hold, with an example to copy. */
function expects(what: string, example: string) {
  return { error: () => `expected ${what}, for example\n      ${example.replaceAll('\n', '\n      ')}` };
}

function text(what: string, example: string) {
  return z.string(expects(what, example)).trim().min(1, expects(what, example));
}

function labIsThere(root: string) {
  return (slug: string) => existsSync(join(root, 'labs', slug, 'lab.ts'));
}

function labsThatAre(root: string): string {
  const folder = join(root, 'labs');
  const slugs = existsSync(folder) ? readdirSync(folder).filter(labIsThere(root)) : [];
  return slugs.length > 0 ? slugs.join(', ') : 'none yet';
}

/** The frontmatter of `content/<module>/<lesson>/lesson.mdx`. `root` is the project's folder, where labs/ is. */
export function lessonFrontmatter(root: string) {
  const minutes = expects('whole minutes from 1 to 240', 'minutes: 45');
  return z.strictObject({
    /** The lesson's name, as headings and lists show it. */
    title: text('the title of the lesson', 'title: Writing Dockerfiles'),
    /** One sentence that says what it is about; it stands under the title and in the course list. */
    summary: text(
      'one sentence about the lesson',
      'summary: Order, context and rights of a Dockerfile that builds fast.',
    ),
    /** Reading time with the quiz and without the lab, in minutes. */
    minutes: z.int(minutes).min(1, minutes).max(240, minutes),
    /** Slug of the lab that practises it: the name of a folder in labs/. Leave it out if there is none. */
    lab: z
      .string(expects('the name of a folder in labs/', 'lab: etl-dockerfile'))
      .refine(labIsThere(root), {
        error: (issue) =>
          `expected the name of a folder in labs/ that holds a lab.ts, for example\n      lab: etl-dockerfile\n      Found "${String(issue.input)}"; there are: ${labsThatAre(root)}`,
      })
      .optional(),
    /** What the reader can do afterwards, each starting with a verb. */
    objectives: z
      .array(
        text('a sentence', '- order instructions by how often they change'),
        expects('a list of sentences', 'objectives:\n  - order instructions by how often they change'),
      )
      .min(
        1,
        expects('at least one objective', 'objectives:\n  - order instructions by how often they change'),
      ),
    /** Numbers of the seed items it covers. */
    seeds: z
      .array(
        z
          .string(expects('a seed item', '- S1.6'))
          .regex(
            /^[SE]\d+(\.\d+)?$/,
            expects('the number of a seed item or of a correction', 'seeds: [S1.6, E24]'),
          ),
        expects('a list of seed items', 'seeds: [S1.6, S2.13]'),
      )
      .default([]),
    /** The wrong ideas it sets right; quizzes and checks refer to their ids. */
    misconceptions: z
      .array(
        z.strictObject({
          /** Stable name of the idea. */
          id: z.string().regex(/^MC-[A-Z]+-\d+$/, expects('a misconception id', 'id: MC-IMG-02')),
          /** The wrong idea, in the words of someone who holds it. */
          text: text(
            'the wrong idea as a sentence',
            'text: Touching a file makes the builder copy it again.',
          ),
        }),
        expects(
          'a list of ids and texts',
          'misconceptions:\n  - id: MC-IMG-02\n    text: Touching a file makes the builder copy it again.',
        ),
      )
      .max(12, expects('at most twelve misconceptions', 'misconceptions:\n  - id: MC-IMG-02\n    text: …'))
      .default([]),
    /** Slugs of the lessons to read first; those that are not written yet are left out of the page. */
    prerequisites: z
      .array(z.string(), expects('a list of lesson slugs', 'prerequisites: [images-and-layers]'))
      .default([]),
  });
}

/** `content/<module>/module.json`. */
export const moduleFile = z.strictObject({
  /** The module's name on the course page. */
  title: text('the title of the module', '"title": "Images and Dockerfiles"'),
  /** One sentence under it. */
  summary: text('one sentence about the module', '"summary": "What an image is made of."'),
});

/** What the site shows of a lab: its default export in `lab.ts`, without checks' code and without hints. */
export const labOnShelf = z.object({
  id: z.string(),
  title: z.string(),
  goal: z.string(),
  minutes: z.number(),
  lesson: z.string(),
  images: z.array(z.string()),
  tasks: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      points: z.number(),
      checks: z.array(z.object({ id: z.string(), title: z.string(), disruptive: z.boolean() })),
    }),
  ),
});
export type LabOnShelf = z.infer<typeof labOnShelf>;

/** The slug of a numbered folder: `04-writing-dockerfiles` is `writing-dockerfiles`. */
export function slugOf(folder: string): string {
  return folder.replace(/^\d+-/, '');
}
