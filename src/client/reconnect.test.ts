// A lost connection is tried again politely, a refused one is not.
import { expect, it } from 'vitest';
import { TERMINAL_CLOSE } from '../protocol.ts';
import { endingOf, retryDelayMs } from './reconnect.ts';

it('waits longer each time, and never longer than eight seconds', () => {
  const delays = Array.from({ length: 12 }, (_, attempt) => retryDelayMs(attempt, 1));
  expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  expect(delays[0]).toBeLessThanOrEqual(250);
  expect(delays.at(-1)).toBe(8_000);
});

it('spreads a class over half of the delay', () => {
  expect(retryDelayMs(3, 0)).toBe(retryDelayMs(3, 1) / 2);
});

it('tries again after a lost network and a restarted server, and not after a refusal', () => {
  expect([1006, 1012, TERMINAL_CLOSE.engineLost].map(endingOf)).toEqual(['retry', 'retry', 'retry']);
  expect(endingOf(TERMINAL_CLOSE.noSandbox)).toBe('gone');
  expect(endingOf(TERMINAL_CLOSE.notYours)).toBe('refused');
  expect(endingOf(TERMINAL_CLOSE.badFrame)).toBe('faulty');
});
