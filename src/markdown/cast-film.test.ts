// Recordings become lines of HTML and the moments they change.
import { expect, it } from 'vitest';
import type { Recording } from '../casts/asciicast.ts';
import { developFilm, lastScreen } from './cast-film.ts';

function recording(...moments: readonly (readonly [at: number, output: string])[]): Recording {
  return { title: 'A test', cols: 40, rows: 4, moments: moments.map(([at, output]) => ({ at, output })) };
}

it('keeps the colours of the last screen and escapes what looks like HTML', async () => {
  const film = await developFilm(recording([0, '\x1b[32mok\x1b[0m <b>&\r\n']));
  expect(lastScreen(film)).toBe('<span class="c2">ok</span> &lt;b&gt;&amp;');
});

it('keeps lines that scrolled out of the screen', async () => {
  const lines = Array.from({ length: 9 }, (_, index) => `line ${index}`);
  const film = await developFilm(recording(...lines.map((line, index) => [index, `${line}\r\n`] as const)));
  expect(lastScreen(film).split('\n')).toEqual(lines);
});

it('shows a line that is rewritten in place as it was at each moment', async () => {
  const film = await developFilm(recording([0, 'building 10 %'], [1, '\rbuilding 99 %']));
  expect(film.frames.map(([at]) => at)).toEqual([0, 1]);
  expect(film.texts).toEqual(['building 10 %', 'building 99 %']);
  expect(lastScreen(film)).toBe('building 99 %');
});

it('makes one frame of what comes at once', async () => {
  const film = await developFilm(recording([0, 'a'], [0.01, 'b'], [0.02, 'c'], [2, 'd']));
  expect(film.frames).toHaveLength(2);
});

it('takes away what was cleared', async () => {
  const film = await developFilm(recording([0, 'one\r\ntwo\r\n'], [1, '\x1b[2J\x1b[Hthree']));
  expect(lastScreen(film)).toBe('three');
});
