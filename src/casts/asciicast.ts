// Terminal recordings in the asciicast v2 format: made short enough to watch, written, read back, and read as text.
import headless from '@xterm/headless';
import { z } from 'zod';

/** One piece of output and when it came, in seconds since the recording began. */
export interface Moment {
  readonly at: number;
  readonly output: string;
}

/** What a terminal showed, from its first prompt to its last. */
export interface Recording {
  readonly title: string;
  readonly cols: number;
  readonly rows: number;
  readonly moments: readonly Moment[];
}

/** Seconds. A reader watches, not waits: any longer silence is cut to this when a recording is written. */
export const IDLE_MAX_SECONDS = 2;
/** Seconds. A cast longer than this shows more than one thing; the recorder refuses it. */
export const CAST_MAX_SECONDS = 60;

const header = z.looseObject({
  version: z.literal(2),
  width: z.int().min(20).max(200),
  height: z.int().min(5).max(100),
  title: z.string().min(1),
});
const event = z.tuple([z.number().min(0), z.string(), z.string()]);

/** Cuts every silence to `maxSeconds`; what was shown, and in which order, stays as it was. */
export function capIdle(moments: readonly Moment[], maxSeconds: number): Moment[] {
  let cut = 0;
  let previous = 0;
  return moments.map(({ at, output }) => {
    cut += Math.max(0, at - previous - maxSeconds);
    previous = at;
    return { at: at - cut, output };
  });
}

/** Seconds from the first moment to the last. */
export function lengthSeconds({ moments }: Recording): number {
  return moments.at(-1)?.at ?? 0;
}

/** The recording as the text of a `.cast` file: a header line, then one line for each moment. */
export function formatCast(recording: Recording): string {
  const { title, cols, rows, moments } = recording;
  const lines = [
    { version: 2, width: cols, height: rows, idle_time_limit: IDLE_MAX_SECONDS, title },
    ...moments.map(({ at, output }) => [Number(at.toFixed(3)), 'o', output]),
  ];
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}

/** Reads the text of a `.cast` file. A line that is not asciicast v2 throws, naming the line. */
export function parseCast(text: string): Recording {
  const [first, ...rest] = text.split('\n').filter((line) => line !== '');
  const { title, width, height } = parseLine(header, first ?? '', 1);
  const moments = rest
    .map((line, index) => parseLine(event, line, index + 2))
    .filter(([, kind]) => kind === 'o')
    .map(([at, , output]) => ({ at, output }));
  return { title, cols: width, rows: height, moments };
}

function parseLine<T>(schema: z.ZodType<T>, line: string, number: number): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (cause) {
    throw new Error(`Line ${number} of this cast is not asciicast v2: ${line.slice(0, 80)}`, { cause });
  }
}

/** What a reader could have read by the end, scrolled-off lines included: plain text, wrapped lines joined. */
export async function screenText(recording: Recording): Promise<string> {
  const terminal = new headless.Terminal({
    cols: recording.cols,
    rows: recording.rows,
    scrollback: 10_000,
    allowProposedApi: true,
  });
  const all = recording.moments.map((moment) => moment.output).join('');
  await new Promise<void>((resolve) => terminal.write(all, resolve));
  const buffer = terminal.buffer.active;
  let text = '';
  for (let row = 0; row < buffer.length; row++) {
    const line = buffer.getLine(row);
    if (line === undefined) continue;
    text += `${row > 0 && !line.isWrapped ? '\n' : ''}${line.translateToString(true)}`;
  }
  terminal.dispose();
  return text.trimEnd();
}
