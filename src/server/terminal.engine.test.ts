// Terminals over a real engine: the same shell, with its screen, through reloads, restarts and floods.
import { expect, it, vi } from 'vitest';
import { openTestRoom } from '../engine/testing.ts';
import { Learner, testServer } from './testing-server.ts';

const SOON_MS = 20_000;
const waitFor = (assert: () => void) => vi.waitFor(assert, { timeout: SOON_MS, interval: 10 });

it('keeps a learner’s shell and screen while the server restarts', async () => {
  const { spawner } = await openTestRoom();
  await using before = await testServer({ spawner });
  const ada = await Learner.meet(before.url);
  expect((await ada.ask('POST', '/api/labs/one/sandbox')).status).toBe(201);
  const terminal = await ada.terminal('one');
  await terminal.shows('$ ');
  terminal.type('KEPT=yes; echo on-the-$KEPT-screen\r');
  await terminal.shows('on-the-yes-screen');
  await using after = await before.restart();
  expect((await terminal.closed).code).toBe(1012);
  const again = await ada.at(after.url).terminal('one');
  await again.shows('on-the-yes-screen');
  again.type('echo still-$KEPT\r');
  await again.shows('still-yes');
  expect(again.output.toString()).not.toContain('may be missing');
});

it('gives a prompt back soon after Ctrl-C in a flood, and loses none of what counts', async () => {
  const { spawner } = await openTestRoom();
  await using running = await testServer({ spawner });
  const ada = await Learner.meet(running.url);
  await ada.ask('POST', '/api/labs/one/sandbox');
  const terminal = await ada.terminal('one');
  await terminal.shows('$ ');
  terminal.type('yes\r');
  await waitFor(() => expect(terminal.received).toBeGreaterThan(3_000_000));
  const startedAt = performance.now();
  terminal.type('\x03');
  terminal.type('echo calm-$((6*7))\r');
  await terminal.shows('calm-42');
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  terminal.type('for i in $(seq 20000); do echo line $i; done; echo the-$((40+2))-end\r');
  await terminal.shows('the-42-end');
  const lines = [...terminal.output.toString().matchAll(/^line (\d+)\r$/gm)].map(([, line]) => Number(line));
  expect(lines).toEqual(Array.from({ length: 20_000 }, (_, index) => index + 1));
});

it('repaints a full-screen program for a page that is opened again', async () => {
  const { spawner } = await openTestRoom();
  await using running = await testServer({ spawner });
  const ada = await Learner.meet(running.url);
  await ada.ask('POST', '/api/labs/one/sandbox');
  const first = await ada.terminal('one');
  await first.shows('$ ');
  first.type('seq 500 > numbers; less numbers\r');
  await first.shows('\n23');
  await first.leave();
  const again = await ada.terminal('one');
  await again.shows('\x1b[?1049h');
  await again.shows('23');
  again.type('q');
  again.type('echo back-$((6*7))\r');
  await again.shows('back-42');
});
