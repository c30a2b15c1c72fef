// The divider of the workbench obeys the keyboard.
import { expect, it } from 'vitest';
import { splitAfterKey } from './bench.ts';

it('moves by arrow keys, in big steps with Shift, and stays within its bounds', () => {
  expect(splitAfterKey('ArrowRight', false, 42)).toBe(44);
  expect(splitAfterKey('ArrowLeft', true, 42)).toBe(32);
  expect(splitAfterKey('ArrowLeft', true, 28)).toBe(splitAfterKey('Home', false, 50));
  expect(splitAfterKey('ArrowRight', true, 69)).toBe(splitAfterKey('End', false, 50));
});

it('leaves all other keys to the page', () => {
  expect(splitAfterKey('Tab', false, 42)).toBeUndefined();
  expect(splitAfterKey('ArrowUp', false, 42)).toBeUndefined();
});
