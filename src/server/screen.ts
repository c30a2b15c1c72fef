// A terminal's screen without a display: what a viewer would see, kept so that it can be painted again.
import serialize from '@xterm/addon-serialize';
import headless from '@xterm/headless';
import type { TerminalSize } from '../engine/spawner.ts';
import { UnfinishedSequence } from './unfinished-sequence.ts';

/** Lines kept above the screen. 1000 full lines serialise in 25 ms to 108 KB; 5000 would take three times that. */
export const SCROLLBACK_LINES = 1000;

/** Receives raw output in order; can say at any moment what it amounts to. */
export interface Screen {
  readonly size: TerminalSize;
  /** True while a full-screen program (vi, less) holds the alternate screen. */
  readonly fullScreen: boolean;
  /** True if the cursor stands at the start of a line. */
  readonly atLineStart: boolean;
  /** Takes a chunk in; resolves the callback once it is parsed. */
  write(chunk: Uint8Array, parsed?: () => void): void;
  resize(size: TerminalSize): void;
  /**
   * Calls back with bytes that repaint, on an empty terminal of this size, what all chunks written before this call
   * amount to. Chunks written after it are not in it, whenever the callback comes. After `dispose` it does not come.
   */
  snapshot(painted: (bytes: Uint8Array) => void): void;
  dispose(): void;
}

/** A screen of a size. `answer` gets the terminal's replies to questions such as "where is the cursor?". */
export function createScreen(size: TerminalSize, answer: (reply: string) => void): Screen {
  const terminal = new headless.Terminal({
    cols: size.cols,
    rows: size.rows,
    scrollback: SCROLLBACK_LINES,
    allowProposedApi: true,
  });
  const serializer = new serialize.SerializeAddon();
  // The add-on is typed for the browser's terminal; it asks only for what the headless one has too.
  terminal.loadAddon({
    activate: () => Reflect.apply(serializer.activate, serializer, [terminal]),
    dispose: () => serializer.dispose(),
  });
  terminal.onData(answer);
  const modes = trackModes(terminal);
  const unfinished = new UnfinishedSequence();
  let disposed = false;

  return {
    get size() {
      return { cols: terminal.cols, rows: terminal.rows };
    },
    get fullScreen() {
      return terminal.buffer.active.type === 'alternate';
    },
    get atLineStart() {
      return terminal.buffer.active.cursorX === 0;
    },
    write(chunk, parsed) {
      unfinished.feed(chunk);
      terminal.write(chunk, parsed);
    },
    resize({ cols, rows }) {
      if (cols === terminal.cols && rows === terminal.rows) return;
      terminal.resize(cols, rows);
      modes.resized();
    },
    snapshot(painted) {
      // A sequence cut in two at this moment shows nothing yet: the new viewer needs its first half.
      const half = unfinished.bytes();
      // The callback runs before any chunk that was written later is parsed.
      terminal.write('', () => {
        if (disposed) return;
        painted(Buffer.concat([Buffer.from(serializer.serialize() + modes.sequences()), half]));
      });
    },
    dispose() {
      disposed = true;
      terminal.dispose();
    },
  };
}

/** What the serialize add-on leaves out: scroll margins, the saved and the hidden cursor, the mouse's encoding. */
function trackModes(terminal: headless.Terminal) {
  interface Margins {
    readonly top: number;
    readonly bottom: number;
  }
  const margins: { normal?: Margins; alternate?: Margins } = {};
  let cursorHidden = false;
  let mouseEncoding = '';

  /** Where the cursor was saved: `line` counts from the top of the scrollback, as xterm.js does. */
  const saved: { normal?: { column: number; line: number }; alternate?: { column: number; line: number } } =
    {};

  const saveCursor = () => {
    const { type, baseY, cursorX, cursorY } = terminal.buffer.active;
    saved[type] = { column: Math.min(cursorX, terminal.cols - 1), line: baseY + cursorY };
    return false;
  };
  function forgetMargins(): void {
    delete margins.normal;
    delete margins.alternate;
  }
  function reset(): void {
    forgetMargins();
    delete saved.normal;
    delete saved.alternate;
    cursorHidden = false;
    mouseEncoding = '';
  }
  const setPrivate = (on: boolean) => (parameters: (number | number[])[]) => {
    for (const parameter of parameters) {
      if (parameter === 25) cursorHidden = !on;
      else if (on && (parameter === 1048 || parameter === 1049)) saveCursor();
      else if (parameter === 1006 || parameter === 1016) mouseEncoding = on ? `\x1b[?${parameter}h` : '';
    }
    return false;
  };
  const { parser } = terminal;
  parser.registerCsiHandler({ prefix: '?', final: 'h' }, setPrivate(true));
  parser.registerCsiHandler({ prefix: '?', final: 'l' }, setPrivate(false));
  parser.registerCsiHandler({ final: 'r' }, ([first, last]) => {
    const top = Number(first) || 1;
    const bottom = Math.min(Number(last) || terminal.rows, terminal.rows);
    const { type } = terminal.buffer.active;
    if (top === 1 && bottom === terminal.rows) delete margins[type];
    else if (bottom > top) margins[type] = { top, bottom };
    return false;
  });
  parser.registerEscHandler({ final: '7' }, saveCursor);
  parser.registerCsiHandler({ final: 's' }, saveCursor);
  parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => {
    reset();
    return false;
  });
  parser.registerEscHandler({ final: 'c' }, () => {
    reset();
    return false;
  });

  /** A cursor that waits past the last column gets there only by writing the last cell. */
  function lastCellAgain(move: (column: number, row: number) => string): string {
    const { baseY, cursorY } = terminal.buffer.active;
    const line = terminal.buffer.active.getLine(baseY + cursorY);
    const wide = line?.getCell(terminal.cols - 1)?.getWidth() === 0;
    const column = terminal.cols - (wide ? 2 : 1);
    return move(column, cursorY) + (line?.getCell(column)?.getChars() || ' ');
  }

  return {
    resized: forgetMargins,
    sequences(): string {
      const { type, baseY, cursorX, cursorY } = terminal.buffer.active;
      const margin = margins[type];
      const keep = saved[type];
      const firstRow = terminal.modes.originMode ? (margin?.top ?? 1) : 1;
      const move = (column: number, row: number) => `\x1b[${Math.max(1, row + 2 - firstRow)};${column + 1}H`;
      return [
        margin === undefined ? '' : `\x1b[${margin.top};${margin.bottom}r`,
        keep === undefined ? '' : `${move(keep.column, Math.max(0, keep.line - baseY))}\x1b7`,
        // The add-on counts its way back from the end of a full line, and is one column off.
        cursorX < terminal.cols ? move(cursorX, cursorY) : lastCellAgain(move),
        mouseEncoding,
        cursorHidden ? '\x1b[?25l' : '',
      ].join('');
    },
  };
}
