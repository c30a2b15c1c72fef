// A terminal recording turned into lines of HTML and the moments they change, so that the page needs no terminal to show it.
import headless from '@xterm/headless';
import type { Recording } from '../casts/asciicast.ts';

/** One moment: seconds from the start, how many lines there are, and which of them changed: pairs of line and text number. */
export type Frame = readonly [
  at: number,
  count: number,
  changes: readonly (readonly [line: number, text: number])[],
];

/** What the page plays. Texts are HTML of one line each, every distinct one once. */
export interface Film {
  readonly texts: readonly string[];
  readonly frames: readonly Frame[];
}

/** Output that comes within this many seconds is one frame: the eye sees no difference, and the film stays small. */
const FRAME_SECONDS = 0.04;

type Buffer = InstanceType<typeof headless.Terminal>['buffer']['active'];
type Line = NonNullable<ReturnType<Buffer['getLine']>>;
type Cell = NonNullable<ReturnType<Line['getCell']>>;

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Class names of a cell's colours and weight; colours beyond the sixteen named ones are left to the page. */
function classesOf(cell: Cell): string {
  const classes: string[] = [];
  if (cell.isFgPalette() && cell.getFgColor() < 16) classes.push(`c${cell.getFgColor()}`);
  if (cell.isDim()) classes.push('dim');
  if (cell.isInverse()) classes.push('inverse');
  if (cell.isBold()) classes.push('bold');
  if (cell.isUnderline()) classes.push('underline');
  return classes.join(' ');
}

function wrap(text: string, classes: string): string {
  if (text === '') return '';
  if (classes === '') return escapeHtml(text);
  return `<span class="${classes}">${escapeHtml(text)}</span>`;
}

function lineHtml(line: Line, scratch: Cell): string {
  const width = line.translateToString(true).length;
  let html = '';
  let run = '';
  let classes = '';
  for (let column = 0, seen = 0; column < line.length && seen < width; column++) {
    const cell = line.getCell(column, scratch);
    if (!cell || cell.getWidth() === 0) continue;
    const own = classesOf(cell);
    if (own !== classes) {
      html += wrap(run, classes);
      run = '';
      classes = own;
    }
    const characters = cell.getChars() || ' ';
    run += characters;
    seen += characters.length;
  }
  return html + wrap(run, classes);
}

/** Plays a recording through a real terminal parser and keeps what each line looked like and when. */
export async function developFilm(recording: Recording): Promise<Film> {
  const terminal = new headless.Terminal({
    cols: recording.cols,
    rows: recording.rows,
    scrollback: 10_000,
    allowProposedApi: true,
  });
  const numbers = new Map<string, number>();
  const frames: Frame[] = [];
  let shown: string[] = [];
  let settled = 0;

  const capture = (at: number) => {
    const buffer = terminal.buffer.active;
    const scratch = buffer.getNullCell();
    const lines = shown.slice(0, settled);
    for (let row = settled; row < buffer.length; row++) {
      const line = buffer.getLine(row);
      lines.push(line ? lineHtml(line, scratch) : '');
    }
    while (lines.length > 0 && lines.at(-1) === '') lines.pop();
    const changes: [number, number][] = [];
    for (const [row, html] of lines.entries()) {
      if (shown[row] === html) continue;
      const number = numbers.get(html) ?? numbers.size;
      numbers.set(html, number);
      changes.push([row, number]);
    }
    if (changes.length > 0 || lines.length !== shown.length)
      frames.push([Number(at.toFixed(2)), lines.length, changes]);
    shown = lines;
    // What has scrolled out of the screen can't change any more.
    settled = Math.min(buffer.baseY, lines.length);
  };

  let pending = '';
  let since = 0;
  const flush = async () => {
    const output = pending;
    pending = '';
    if (output === '') return;
    await new Promise<void>((resolve) => terminal.write(output, resolve));
    capture(since);
  };
  for (const { at, output } of recording.moments) {
    if (at - since > FRAME_SECONDS) await flush();
    if (pending === '') since = at;
    pending += output;
  }
  await flush();
  terminal.dispose();
  return { texts: [...numbers.keys()], frames };
}

/** The lines as they stand after the last frame, in HTML. */
export function lastScreen(film: Film): string {
  const lines: string[] = [];
  for (const [, count, changes] of film.frames) {
    for (const [row, text] of changes) lines[row] = film.texts[text] ?? '';
    lines.length = count;
  }
  return Array.from(lines, (line) => line ?? '').join('\n');
}
