// A shell in a sandbox that outlives its connection: a dtach session, attached to by a TTY exec of the outer engine.
import type { OuterEngine, TerminalExec } from './outer-engine.ts';
import type { Shell, TerminalSize } from './spawner.ts';

/** dtach clears the screen when it attaches. Our own replay has painted it already, so exactly this is dropped. */
const DTACH_PREAMBLE = Buffer.from('\x1b[H\x1b[J');

/**
 * Attaches to the sandbox's shell of that name, starting it if there is none. One exec does it all: reap clients that a
 * dropped connection left behind (they would defeat back-pressure), start the session if need be, become its client.
 */
export async function attachShell(
  engine: OuterEngine,
  containerId: string,
  name: string,
  size: TerminalSize,
): Promise<DockerShell> {
  const socket = `/run/slipway/shell-${name}`;
  const reap = ['pkill', '-f', `^dtach -a ${socket} `];
  const script = [
    `${reap.slice(0, 2).join(' ')} '${reap[2]}'`,
    `[ -S ${socket} ] || dtach -n ${socket} -z -r winch bash -l`,
    // Without dtach's own keys: Ctrl-\ and Ctrl-Z belong to the learner's programs.
    `exec dtach -a ${socket} -E -z -r winch`,
  ].join('\n');
  const terminal = await engine.terminal(containerId, ['/bin/sh', '-c', script], {
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    LANG: 'C.UTF-8',
  });
  return new DockerShell(terminal, size, async () => {
    await engine.exec(containerId, reap);
  });
}

export class DockerShell implements Shell {
  readonly ended: Promise<'exited' | 'lost' | 'detached'>;
  readonly #terminal: TerminalExec;
  readonly #reap: () => Promise<void>;
  #detached = false;
  #listener: ((chunk: Uint8Array) => void) | undefined;
  #early: Buffer[] = [];
  #preambleSeen = 0;
  /** What was typed before dtach was there: the bare terminal would echo it, and dtach then clear it away. */
  #typedEarly: (Uint8Array | string)[] | undefined = [];
  #paused = false;

  /** `reap` ends the client in the sandbox, and with it the connection; the shell lives on. */
  constructor(terminal: TerminalExec, size: TerminalSize, reap: () => Promise<void>) {
    this.#terminal = terminal;
    this.#reap = reap;
    const { stream } = terminal;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    // What went wrong is told by `ended`; the connection's error adds nothing to it.
    stream.on('error', () => {});
    this.ended = new Promise((resolve) => {
      stream.on('close', () => {
        if (this.#detached) resolve('detached');
        else {
          // dtach ends with 0 when the shell did; killed, or with the sandbox gone, it does not get to.
          terminal.exitCode().then(
            (code) => resolve(code === 0 ? 'exited' : 'lost'),
            () => resolve('lost'),
          );
        }
      });
      stream.on('end', () => stream.destroy());
    });
    // The size can only be set once the process runs; if it is gone already, `ended` says so.
    terminal.resize(size.cols, size.rows).catch(() => {});
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#listener = listener;
    for (const chunk of this.#early.splice(0)) listener(chunk);
  }

  write(data: Uint8Array | string): void {
    if (this.#typedEarly !== undefined) this.#typedEarly.push(data);
    else if (!this.#terminal.stream.destroyed) this.#terminal.stream.write(data);
  }

  async resize(size: TerminalSize): Promise<void> {
    await this.#terminal.resize(size.cols, size.rows);
  }

  /** Takes effect once dtach is there: a stream that stands still before would never say so, and input would wait for ever. */
  pause(): void {
    this.#paused = true;
    if (this.#typedEarly === undefined) this.#terminal.stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#terminal.stream.resume();
  }

  /** Breaks the connection off, as when the sandbox stands still; `ended` becomes `lost`. */
  drop(): void {
    this.#terminal.stream.destroy();
  }

  async detach(): Promise<void> {
    if (this.#detached || this.#terminal.stream.destroyed) return;
    this.#detached = true;
    const { stream } = this.#terminal;
    // A paused stream would never see the end.
    stream.resume();
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
    try {
      await this.#reap();
    } catch {
      // The sandbox is gone or stands still: its client is no trouble any more, and the next one reaps it.
      stream.destroy();
    }
    await closed;
  }

  #take(chunk: Buffer) {
    let rest = chunk;
    while (this.#preambleSeen < DTACH_PREAMBLE.length && rest.length > 0) {
      if (rest[0] !== DTACH_PREAMBLE[this.#preambleSeen]) {
        // Not what dtach is known to say first: show everything, drop nothing more.
        rest = Buffer.concat([DTACH_PREAMBLE.subarray(0, this.#preambleSeen), rest]);
        this.#preambleSeen = DTACH_PREAMBLE.length;
        break;
      }
      this.#preambleSeen += 1;
      rest = rest.subarray(1);
    }
    if (this.#preambleSeen === DTACH_PREAMBLE.length) this.#passTypedEarly();
    if (rest.length === 0) return;
    if (this.#listener === undefined) this.#early.push(rest);
    else this.#listener(rest);
  }

  #passTypedEarly() {
    const typed = this.#typedEarly;
    if (typed === undefined) return;
    this.#typedEarly = undefined;
    for (const data of typed) this.write(data);
    if (this.#paused) this.#terminal.stream.pause();
  }
}
