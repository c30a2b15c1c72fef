// Casts: what is written can be read back, silences shrink, and the screen's text is what a reader saw.
import { expect, test } from 'vitest';
import { capIdle, formatCast, lengthSeconds, parseCast, screenText } from './asciicast.ts';

const recording = {
  title: 'Two words',
  cols: 40,
  rows: 6,
  moments: [
    { at: 0, output: '$ ' },
    { at: 0.25, output: 'echo \u001b[31mhi\u001b[0m "ü→✓"\r\n' },
    { at: 1.5, output: 'hi\r\n' },
  ],
};

test('a recording that was written reads back the same', () => {
  expect(parseCast(formatCast(recording))).toEqual(recording);
});

test('the first line says version 2, the size and the title, as players expect', () => {
  const first: unknown = JSON.parse(formatCast(recording).split('\n')[0] ?? '');
  expect(first).toMatchObject({ version: 2, width: 40, height: 6, title: 'Two words' });
});

test('a file that is not a cast is refused by the number of its line', () => {
  expect(() => parseCast('hello')).toThrow('Line 1 of this cast is not asciicast v2: hello');
  expect(() => parseCast(`${formatCast(recording)}[1, "o"]\n`)).toThrow('Line 5');
});

test('a silence longer than the cap is cut to it and what follows moves up', () => {
  const moments = [
    { at: 0.5, output: 'a' },
    { at: 10.5, output: 'b' },
    { at: 11, output: 'c' },
    { at: 15, output: 'd' },
  ];
  expect(capIdle(moments, 2)).toEqual([
    { at: 0.5, output: 'a' },
    { at: 2.5, output: 'b' },
    { at: 3, output: 'c' },
    { at: 5, output: 'd' },
  ]);
});

test('a cast lasts from its start to its last output', () => {
  expect(lengthSeconds(recording)).toBe(1.5);
  expect(lengthSeconds({ ...recording, moments: [] })).toBe(0);
});

test('lines that were drawn over are not in the text, lines that scrolled away are, wrapped lines are whole', async () => {
  const output = `first\r\nwaiting 1\r\u001b[2Kdone\r\n${'x'.repeat(45)}\r\n3\r\n4\r\n5\r\n6\r\n7`;
  const text = await screenText({ ...recording, moments: [{ at: 0, output }] });
  expect(text).toBe(`first\ndone\n${'x'.repeat(45)}\n3\n4\n5\n6\n7`);
});
