// What the author of a lesson is told about its frontmatter.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { lessonFrontmatter, slugOf } from './frontmatter.ts';

const schema = lessonFrontmatter(fileURLToPath(new URL('../../', import.meta.url)));
const whole = {
  title: 'Writing Dockerfiles',
  summary: 'Order, context and rights.',
  minutes: 45,
  objectives: ['order instructions'],
  seeds: ['S1.6', 'E24'],
};

function told(frontmatter: object): string {
  const result = schema.safeParse(frontmatter);
  return result.success
    ? 'accepted'
    : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n');
}

it('accepts a lesson that says all it must', () => {
  expect(told(whole)).toBe('accepted');
});

it('gives the field, what was expected and an example', () => {
  expect(told({ ...whole, minutes: 'long' })).toMatchInlineSnapshot(`
    "minutes: expected whole minutes from 1 to 240, for example
          minutes: 45"
  `);
  expect(told({ ...whole, objectives: [] })).toMatch(
    /^objectives: expected at least one objective, for example/,
  );
  expect(told({ ...whole, seeds: ['chapter 3'] })).toMatch(/^seeds.0: expected the number of a seed item/);
  expect(told({ ...whole, title: undefined })).toMatch(
    /^title: expected the title of the lesson, for example/,
  );
});

it('names the labs there are when a lesson asks for one that is not', () => {
  expect(told({ ...whole, lab: 'no-such-lab' })).toMatch(/Found "no-such-lab"; there are: /);
});

it('takes the number from a folder to get its slug', () => {
  expect(slugOf('04-writing-dockerfiles')).toBe('writing-dockerfiles');
});
