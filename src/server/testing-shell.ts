// For tests: a shell process of a few commands, with a terminal's echo, that goes on while nobody is attached.
import type { Shell, TerminalSize } from '../engine/spawner.ts';

const PROMPT = '$ ';
/** What `yes` writes at a time. */
const FLOOD = Buffer.from('y\r\n'.repeat(1365));

/**
 * Knows `echo`, `NAME=value`, `$NAME`, `stty size`, `yes` until Ctrl-C, `seq N` and `exit`. What it writes while nobody
 * is attached is gone, and whoever attaches sees the prompt line painted again, as with dtach.
 */
export class ShellProcess {
  exited = false;
  #frozen = false;
  #line = '';
  #size: TerminalSize = { cols: 80, rows: 24 };
  #flooding = false;
  #attachment: Attachment | undefined;
  readonly #variables = new Map<string, string>();

  attach(size: TerminalSize): Shell {
    this.#attachment?.end('lost');
    this.#size = size;
    const attachment = new Attachment(this);
    this.#attachment = attachment;
    attachment.take(Buffer.from(`\r${PROMPT}${this.#line}`));
    return attachment;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  set frozen(frozen: boolean) {
    this.#frozen = frozen;
    if (!frozen) this.flood();
  }

  /** The connection breaks; the process does not notice. */
  lose(): void {
    this.#attachment?.end('lost');
  }

  left(attachment: Attachment): void {
    if (this.#attachment === attachment) this.#attachment = undefined;
  }

  resize(size: TerminalSize): void {
    this.#size = size;
  }

  /** Writes whatever a test wants it to. */
  write(output: string | Uint8Array): void {
    this.#attachment?.take(Buffer.from(output));
  }

  type(data: Buffer): void {
    if (this.#frozen || this.exited) return;
    for (const key of data.toString('utf8')) {
      if (key === '\x03') {
        this.#flooding = false;
        this.#line = '';
        this.write(`^C\r\n${PROMPT}`);
      } else if (key === '\r' || key === '\n') {
        const line = this.#line;
        this.#line = '';
        this.write('\r\n');
        this.#run(line.trim());
      } else {
        this.#line += key;
        this.write(key);
      }
    }
  }

  /** Goes on flooding as fast as the attachment takes it. */
  flood(): void {
    if (!this.#flooding || this.#frozen) return;
    if (this.#attachment?.paused) return;
    this.#attachment?.take(FLOOD);
    setImmediate(() => this.flood());
  }

  #run(line: string): void {
    const assigned = /^([A-Za-z_]\w*)=(.*)$/.exec(line);
    const [command = '', ...words] = line.split(/\s+/);
    if (assigned?.[1] !== undefined) this.#variables.set(assigned[1], assigned[2] ?? '');
    else if (command === 'echo') this.write(`${words.map((word) => this.#expanded(word)).join(' ')}\r\n`);
    else if (line === 'stty size') this.write(`${this.#size.rows} ${this.#size.cols}\r\n`);
    else if (command === 'seq') {
      const count = Number(words[0]);
      this.write(Array.from({ length: count }, (_, index) => `${index + 1}\r\n`).join(''));
    } else if (command === 'yes') {
      this.#flooding = true;
      this.flood();
      return;
    } else if (command === 'exit') {
      this.exited = true;
      this.write('exit\r\n');
      this.#attachment?.end('exited');
      return;
    } else if (command !== '') this.write(`${command}: command not found\r\n`);
    this.write(PROMPT);
  }

  #expanded(word: string): string {
    return word.replaceAll(/\$([A-Za-z_]\w*)/g, (_, name: string) => this.#variables.get(name) ?? '');
  }
}

class Attachment implements Shell {
  readonly ended: Promise<'exited' | 'lost' | 'detached'>;
  paused = false;
  readonly #process: ShellProcess;
  readonly #ending = Promise.withResolvers<'exited' | 'lost' | 'detached'>();
  #listener: ((chunk: Uint8Array) => void) | undefined;
  #waiting: Uint8Array[] = [];
  #open = true;

  constructor(process: ShellProcess) {
    this.#process = process;
    this.ended = this.#ending.promise;
  }

  take(chunk: Uint8Array): void {
    if (!this.#open) return;
    if (this.paused || this.#listener === undefined) this.#waiting.push(chunk);
    else this.#listener(chunk);
  }

  end(how: 'exited' | 'lost' | 'detached'): void {
    if (!this.#open) return;
    this.resume();
    this.#open = false;
    this.#process.left(this);
    this.#ending.resolve(how);
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#listener = listener;
    this.#drain();
  }

  write(data: Uint8Array | string): void {
    if (this.#open) this.#process.type(Buffer.from(data));
  }

  async resize(size: TerminalSize): Promise<void> {
    this.#process.resize(size);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#drain();
    this.#process.flood();
  }

  async detach(): Promise<void> {
    this.end('detached');
  }

  #drain(): void {
    while (!this.paused && this.#listener !== undefined) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) return;
      this.#listener(chunk);
    }
  }
}
