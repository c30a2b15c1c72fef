// How long steps tell what they do, how far they are and how long it has taken.

/** One long step. Exactly one of `done` and `failed` ends it. */
export interface Step {
  /** How far: `3/9`, `installing postgresql-17`. Replaces what was said before. */
  at(detail: string): void;
  done(result?: string): void;
  failed(reason: string): void;
}

export interface Progress {
  step(title: string): Step;
}

/** Says nothing: for tests and for commands whose output is JSON. */
export const silentProgress: Progress = { step: () => ({ at() {}, done() {}, failed() {} }) };

/** How often an unchanged step says that it is still at it where the output is not a terminal, in ms: a log stays alive. */
const LOG_HEARTBEAT_MS = 15_000;
/** How often the line on a terminal is repainted, in ms: the seconds count visibly. */
const REPAINT_MS = 200;

/** Shows steps on a stream: one line repainted in place on a terminal, plain lines in a log. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return {
    step(title) {
      const startedAt = Date.now();
      let detail = '';
      const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
      const line = (mark: string, text: string) =>
        `${mark} ${title}${text === '' ? '' : ` — ${text}`}  (${seconds()})`;
      const paint = () => {
        const width = stream.columns ?? 80;
        stream.write(`\r\x1b[2K${line('…', detail).slice(0, width - 1)}`);
      };
      const beat = stream.isTTY
        ? setInterval(paint, REPAINT_MS)
        : setInterval(() => stream.write(`${line('…', detail)}\n`), LOG_HEARTBEAT_MS);
      beat.unref();
      if (stream.isTTY) paint();
      else stream.write(`… ${title}\n`);
      const finish = (mark: string, text: string) => {
        clearInterval(beat);
        stream.write(`${stream.isTTY ? '\r\x1b[2K' : ''}${line(mark, text)}\n`);
      };
      return {
        at(text) {
          detail = text.replaceAll(/[\x00-\x1f\x7f]+/g, ' ').trim();
          if (stream.isTTY) paint();
        },
        done: (result = '') => finish('✓', result),
        failed: (reason) => finish('✗', reason),
      };
    },
  };
}
