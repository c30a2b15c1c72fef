import { expect, test } from 'vitest';
import { painter, reportLine, reportSummary } from './report-text.ts';
import { simpleCheck, simpleLab } from './testing.ts';

const plain = painter(false);
const result = {
  id: 'image.exists',
  task: 'only',
  title: 'There is an image `etl:dev`',
  evidence: [],
  ms: 3,
};

test('a pass is one line; a fail says what was expected, what was found, how to see it and why it matters', () => {
  expect(reportLine({ ...result, status: 'pass' }, plain)).toBe('✓ There is an image etl:dev');
  expect(
    reportLine(
      {
        ...result,
        status: 'fail',
        expected: 'an image',
        actual: 'none',
        see: 'docker image ls',
        why: 'It is the task.',
      },
      plain,
    ),
  ).toMatchInlineSnapshot(`
    "✗ There is an image etl:dev
        expected  an image
        found     none
        see       docker image ls
        why       It is the task."
  `);
});

test('what is blocked says what comes first; trouble of the grader says that it costs nothing', () => {
  expect(
    reportLine({ ...result, status: 'blocked', blockedBy: ['build.works'] }, plain),
  ).toMatchInlineSnapshot(`
    "○ There is an image etl:dev
        first: build.works"
  `);
  expect(
    reportLine({ ...result, status: 'error', because: 'The engine went away.' }, plain),
  ).toMatchInlineSnapshot(`
    "! There is an image etl:dev
        trouble   The engine went away.
        This is the grader’s trouble, not yours. It costs you nothing."
  `);
});

test('the summary lists the tasks with their points', () => {
  const report = {
    lab: 'simple',
    tasks: [{ id: 'only', passed: true, points: 2 }],
    points: 2,
    of: 2,
    results: [],
    ms: 1_234,
  };
  expect(reportSummary(simpleLab([simpleCheck('a')]), report, plain)).toMatchInlineSnapshot(`
    "
    ✓ The only one (2 of 2)

    2 of 2 points  (1.2 s)"
  `);
});

test('colours are there only where they are wanted', () => {
  expect(reportLine({ ...result, status: 'pass' }, painter(true))).toContain('\x1b[32m✓');
});
