// Recipes: a wrong one is explained to its author, and a recording owes what its recipe promises.
import { expect, test } from 'vitest';
import { brokenPromises, parseRecipes } from './recipe.ts';

const recipe = {
  name: 'hello',
  title: 'Hello',
  folder: 'orders',
  steps: [{ type: 'echo hi' }],
  shows: ['hi'],
};

test('what an author leaves out has a default', () => {
  expect(parseRecipes([recipe], 'casts.ts')).toEqual([
    {
      ...recipe,
      setup: '',
      hides: [],
      rows: 24,
      steps: [{ type: 'echo hi', exit: 0, timeoutSeconds: 120 }],
    },
  ]);
});

test('a wrong recipe is refused with its file, its field and an example', () => {
  const wrong = () => parseRecipes([{ ...recipe, steps: [{ typed: 'echo hi' }] }], 'content/x/casts.ts');
  expect(wrong).toThrow('content/x/casts.ts must export `casts`');
  expect(wrong).toThrow('steps[0].type');
});

test('a cast without anything to show is refused, for then nothing would notice that it went wrong', () => {
  expect(() => parseRecipes([{ ...recipe, shows: [] }], 'casts.ts')).toThrow('shows');
});

test('two casts of one name are refused', () => {
  expect(() => parseRecipes([recipe, recipe], 'casts.ts')).toThrow('two casts named hello');
});

test('a missing promised text and a present forbidden one are both told', () => {
  expect(brokenPromises({ shows: ['CACHED', 'ok'], hides: ['ERROR'] }, 'ok ERROR')).toEqual([
    'it does not show "CACHED"',
    'it shows "ERROR"',
  ]);
  expect(brokenPromises({ shows: ['ok'], hides: ['ERROR'] }, 'ok')).toEqual([]);
});
