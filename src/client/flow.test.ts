// The page acknowledges what it has drawn, in steps the server can live with.
import { expect, it } from 'vitest';
import { LOW_WATER_BYTES } from '../protocol.ts';
import { FlowAccount } from './flow.ts';

function account() {
  const sent: number[] = [];
  return { sent, flow: new FlowAccount((bytes) => sent.push(bytes)) };
}

it('counts up from the last replay and never leaves more than the low mark unsaid', () => {
  const { sent, flow } = account();
  let total = 0;
  for (let chunk = 0; chunk < 100; chunk++) {
    total += 1_000;
    flow.arrived(1_000)();
    expect(total - (sent.at(-1) ?? 0)).toBeLessThan(LOW_WATER_BYTES);
  }
  expect(sent).toEqual(sent.toSorted((a, b) => a - b));
});

it('says nothing about bytes that have arrived and are not drawn yet', () => {
  const { sent, flow } = account();
  flow.arrived(1_000_000);
  expect(sent).toEqual([]);
});

it('does not count what was on its way before a replay', () => {
  const { sent, flow } = account();
  const late = flow.arrived(LOW_WATER_BYTES * 2);
  flow.restart();
  expect(late()).toBeUndefined();
  expect(sent).toEqual([]);
  expect(flow.arrived(10)()).toBe(10);
});
