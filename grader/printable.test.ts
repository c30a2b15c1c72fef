import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableValue } from './printable.ts';

test('takes out colours, titles and cursor movements, and keeps the words', () => {
  expect(printable('\x1b[31mred\x1b[0m \x1b]0;title\x07and \x1b[2Aup\nnext\tline')).toBe(
    'red and up\nnext\tline',
  );
});

test('takes out what turns the direction of writing', () => {
  expect(printable('safe\u202eexe.txt')).toBe('safeexe.txt');
});

test('no control character is left in any text, and none is longer than asked', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat({ max: 40 }), (text, most) => {
      const shown = printable(text, most);
      expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      expect(shown.length).toBeLessThanOrEqual(most + 1);
    }),
  );
});

test('a value is cut where it is long, wide or deep', () => {
  const endless: Record<string, unknown> = {};
  endless.again = endless;
  expect(JSON.stringify(printableValue(endless)).length).toBeLessThan(200);
  expect(printableValue(Array.from({ length: 1_000 }, () => 'x'))).toHaveLength(50);
  expect(printableValue({ deep: ['\x1b[31mred', 1, true, null, undefined] })).toEqual({
    deep: ['red', 1, true, null, null],
  });
});
