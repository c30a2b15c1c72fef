// The simulator tells the truth about the builder's cache.
import { expect, it } from 'vitest';
import { build, CAREFUL_ORDER, CARELESS_ORDER, FIRST_FILES, type Files, STEPS } from './layer-cache.ts';

const edited: Files = { ...FIRST_FILES, 'main.py': '2' };

function afterAnEdit(steps: typeof CAREFUL_ORDER, files = edited) {
  return build(steps, files, build(steps, FIRST_FILES, new Set()).cache);
}

it('reuses everything when nothing changed', () => {
  expect(afterAnEdit(CAREFUL_ORDER, FIRST_FILES).outcomes.every(({ kind }) => kind === 'cached')).toBe(true);
});

it('installs again after an edit of code when the code was copied first', () => {
  const install = afterAnEdit(CARELESS_ORDER).outcomes[CARELESS_ORDER.indexOf(STEPS.install)];
  expect(install).toMatchObject({ kind: 'run', because: 'a step before it changed' });
});

it('keeps the install step when only the list of packages was copied before it', () => {
  const install = afterAnEdit(CAREFUL_ORDER).outcomes[CAREFUL_ORDER.indexOf(STEPS.install)];
  expect(install?.kind).toBe('cached');
});

it('installs again when the list of packages changed', () => {
  const result = afterAnEdit(CAREFUL_ORDER, { ...FIRST_FILES, 'requirements.txt': '2' });
  expect(result.outcomes[CAREFUL_ORDER.indexOf(STEPS.install)]?.kind).toBe('run');
});

it('stops where a file is wanted that no step has copied', () => {
  const result = build([STEPS.from, STEPS.install, STEPS.everything], FIRST_FILES, new Set());
  expect(result.succeeded).toBe(false);
  expect(result.outcomes.map(({ kind }) => kind)).toEqual(['run', 'failed', 'skipped']);
});

it('finds an older build again when an edit is taken back', () => {
  const first = build(CARELESS_ORDER, FIRST_FILES, new Set());
  const second = build(CARELESS_ORDER, edited, first.cache);
  expect(build(CARELESS_ORDER, FIRST_FILES, second.cache).seconds).toBe(0);
});
