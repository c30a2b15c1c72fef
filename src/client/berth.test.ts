// What a lab page says about its sandbox, phase by phase.
import { expect, it } from 'vitest';
import { tellPhase } from './berth.ts';

const now = Date.parse('2026-11-21T10:00:00Z');

it('passes on what the server says is missing and how to get it', () => {
  const told = tellPhase(
    { type: 'unavailable', status: { labs: 'unavailable', message: 'No engine.', next: 'Install one.' } },
    now,
  );
  expect(told).toMatchObject({ text: 'No engine.', next: 'Install one.' });
  expect(told.start).toBeUndefined();
});

it('offers to try again after a start that failed, and says why', () => {
  const told = tellPhase(
    {
      type: 'none',
      privileged: false,
      problem: { code: 'out-of-capacity', message: 'Full.', next: 'Wait.' },
    },
    now,
  );
  expect(told).toMatchObject({ text: 'Full.', next: 'Wait.', start: 'Try again' });
});

it('tells why a sandbox ended, and what is kept', () => {
  const told = tellPhase({ type: 'none', privileged: false, ended: 'It ran out of memory.' }, now);
  expect(told).toMatchObject({ text: 'It ran out of memory.', start: 'Start again' });
  expect(told.next).toContain('stay passed');
});

it('says so when sandboxes are privileged', () => {
  expect(tellPhase({ type: 'none', privileged: true }, now).text).toContain('privileged');
});

it('counts the seconds of a start', () => {
  expect(tellPhase({ type: 'starting', again: false, since: now - 4_200 }, now).status).toBe('Starting, 4 s');
});

it('counts down the last ten minutes', () => {
  const sandbox = { id: 'a', startedAt: '2026-11-21T08:00:00Z', expiresAt: '2026-11-21T10:07:30Z' };
  expect(tellPhase({ type: 'running', sandbox }, now).status).toBe('Running, ends in 8 min');
});
