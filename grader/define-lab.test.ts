import { expect, test } from 'vitest';
import { defineLab } from './define-lab.ts';
import type { Lab } from './lab.ts';
import { simpleCheck, simpleLab } from './testing.ts';

const sound: Lab = simpleLab(
  [simpleCheck('image.exists'), simpleCheck('image.small', { needs: ['image.exists'] })],
  {
    mutants: [
      { name: 'wrong-tag', title: 'Builds it under another name', fails: ['image.exists'] },
      { name: 'fat', title: 'Keeps the compiler', fails: ['image.small'] },
      { name: 'fatter', title: 'Keeps everything', fails: ['image.small'] },
    ],
  },
);
const task = (parts: Partial<Lab['tasks'][number]>): Lab => {
  const [first] = sound.tasks;
  if (first === undefined) throw new Error('The sound lab has a task.');
  return { ...sound, tasks: [{ ...first, ...parts }] };
};
const complaint = (lab: Lab): string => {
  try {
    defineLab(lab);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'nothing';
};

test('a sound lab comes back as it is', () => {
  expect(defineLab(sound)).toBe(sound);
});

test('says which ids are taken twice', () => {
  expect(
    complaint(task({ checks: [simpleCheck('image.exists'), simpleCheck('image.exists')] })),
  ).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: two checks have the id "image.exists"; give each its own, such as "image.exists-again"."`,
  );
});

test('says what is needed but not there', () => {
  expect(
    complaint(task({ checks: [simpleCheck('image.small', { needs: ['image.there'] })] })),
  ).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: check "image.small" needs "image.there", which is no check of this lab. There are: image.small."`,
  );
});

test('says which checks need themselves', () => {
  const circle = [simpleCheck('a', { needs: ['b'] }), simpleCheck('b', { needs: ['a'] })];
  expect(complaint(task({ checks: circle }))).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: check "a" needs itself, by way of what it needs."`,
  );
});

test('wants three hints that say something', () => {
  expect(complaint(task({ hints: ['a nudge', 'a concept', ' '] }))).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: task "only" has 2 hints; expected three: a nudge, a concept, and nearly there."`,
  );
});

test('wants at least three mutants', () => {
  expect(complaint({ ...sound, mutants: sound.mutants.slice(0, 2) })).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: it has 2 mutants; expected at least 3, each a wrong answer that learners give."`,
  );
});

test('says which mutant names a check that is not there', () => {
  const mutants = [...sound.mutants, { name: 'no-image', title: 'Builds nothing', fails: ['image.exsits'] }];
  expect(complaint({ ...sound, mutants })).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: mutant "no-image" should fail "image.exsits", which is no check of this lab. There are: image.exists, image.small."`,
  );
});

test('says which check no mutant kills', () => {
  const mutants = sound.mutants.map((mutant) => ({ ...mutant, fails: ['image.small'] }));
  expect(complaint({ ...sound, mutants })).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: no mutant fails the check "image.exists"; add a wrong answer that only it catches, or drop it."`,
  );
});

test('says which id is not written like one', () => {
  expect(complaint({ ...sound, id: 'Etl Dockerfile' })).toMatchInlineSnapshot(
    `"labs/Etl Dockerfile/lab.ts: the id "Etl Dockerfile" should be its folder's name, such as "etl-dockerfile"."`,
  );
  expect(complaint(task({ checks: [simpleCheck('Image Exists')] }))).toMatchInlineSnapshot(
    `"labs/simple/lab.ts: the check id "Image Exists" should be dotted and in lower case, such as "image.non-root"."`,
  );
});
