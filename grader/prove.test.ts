import { expect, test } from 'vitest';
import { inventory } from './inventory.ts';
import { differences, foreseen } from './prove.ts';
import { simpleCheck, simpleLab } from './testing.ts';

const lab = simpleLab([
  simpleCheck('exists'),
  simpleCheck('runs', { needs: ['exists'] }),
  simpleCheck('stops', { needs: ['runs'] }),
  simpleCheck('small', { needs: ['exists'] }),
]);

test('foresees what a mutant does: its checks fail, what needs them is blocked, all else passes', () => {
  expect(foreseen(lab, ['runs'])).toEqual({ exists: 'pass', runs: 'fail', stops: 'blocked', small: 'pass' });
  expect(foreseen(lab, [])).toEqual({ exists: 'pass', runs: 'pass', stops: 'pass', small: 'pass' });
  expect(foreseen(lab, ['exists', 'runs', 'stops', 'small'])).toEqual({
    exists: 'fail',
    runs: 'blocked',
    stops: 'blocked',
    small: 'blocked',
  });
});

test('a difference says what should have been, what was, and what the check saw', () => {
  const results = [
    { id: 'runs', task: 'only', title: '', status: 'pass' as const, evidence: [], ms: 1, actual: '12 rows' },
    { id: 'exists', task: 'only', title: '', status: 'pass' as const, evidence: [], ms: 1 },
  ];
  expect(differences({ exists: 'pass', runs: 'fail', small: 'pass' }, results)).toEqual([
    'runs should be fail but came out pass (12 rows).',
    'small should be pass but was not run.',
  ]);
});

test('an inventory tells what came, went or changed', () => {
  const before = inventory(['container a is running', 'image b exists']);
  expect(before.differences(inventory(['container a is running', 'image b exists']))).toEqual([]);
  expect(before.differences(inventory(['container a is exited', 'image b exists']))).toEqual([
    'before, container a is running; after, not.',
    'after, container a is exited; before, not.',
  ]);
});
