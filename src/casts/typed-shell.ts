// A bash on a pseudo-terminal, driven as a person at a keyboard would: type, press Enter, wait for the prompt.
import { setTimeout as pause } from 'node:timers/promises';
import { type IPty, spawn } from 'node-pty';

/** The shell ended, or its prompt did not come back in time. */
export class ShellStuck extends Error {
  override readonly name = 'ShellStuck';
}

/** What happened at a prompt: the exit code of the command before it, and the bytes that drew it. */
interface Prompt {
  readonly exit: number;
  readonly drawn: string;
}

// The shell tells where its prompt begins and ends with the marks that terminals know as OSC 133: `D;<exit code>`
// before, `B` after. They print nothing, so a recording may keep them. The user's own PROMPT_COMMAND runs between
// the two and still sees the exit code. The leading space keeps the line out of the history.
const ANNOUNCE_PROMPTS = [
  ` cast_done() { local code=$?; printf '\\e]133;D;%s\\a' "$code"; return "$code"; }`,
  `cast_ready() { [[ $PS1 == *133\\;B* ]] || PS1+='\\[\\e]133;B\\a\\]'; }`,
  `PROMPT_COMMAND=$'cast_done\\n'"\${PROMPT_COMMAND:-:}"$'\\ncast_ready'`,
].join('; ');

/** Finds prompts in a stream of output, however it is cut into chunks. */
export class PromptFinder {
  #pending = '';

  /** Takes the next chunk and returns the prompts that it completed. */
  read(chunk: string): Prompt[] {
    this.#pending += chunk;
    const prompts: Prompt[] = [];
    const complete = /\x1b\]133;D;(\d+)\x07(?:(?!\x1b\]133;D;)[\s\S])*?\x1b\]133;B\x07/;
    for (let match = complete.exec(this.#pending); match !== null; match = complete.exec(this.#pending)) {
      prompts.push({ exit: Number(match[1]), drawn: match[0] });
      this.#pending = this.#pending.slice(match.index + match[0].length);
    }
    const begun = this.#pending.lastIndexOf('\x1b]133;D;');
    // Nothing before the last begun prompt can matter any more; of the rest a cut-off mark may still be completed.
    this.#pending = begun >= 0 ? this.#pending.slice(begun) : this.#pending.slice(-MARK_MAX_LENGTH);
    return prompts;
  }
}

/** Characters of the longest mark, `ESC ] 133 ; D ; 255 BEL`: less kept would lose one that two chunks share. */
const MARK_MAX_LENGTH = 12;

/**
 * Milliseconds before each key of a line, one a character: quick inside a word, slower where a word begins. The same
 * line always gets the same rhythm, so that a second recording differs from the first only in what was measured.
 */
export function keyRhythmMs(line: string): number[] {
  let state = 7 + line.length;
  let previous = ' ';
  return [...line].map((key) => {
    state = (state * 48271) % 2147483647;
    const within = 28 + (state % 34);
    const beginsWord = previous === ' ' && key !== ' ';
    previous = key;
    return within + (beginsWord ? 60 : 0);
  });
}

/** Milliseconds between the last key of a line and Enter, and between a prompt and the first key: time to read it. */
const BEFORE_ENTER_MS = 350;
const BEFORE_TYPING_MS = 700;
/** How long a shell may take to show its first prompt; a `docker exec` on a busy machine needs seconds. */
const FIRST_PROMPT_TIMEOUT_MS = 30_000;

/** Characters of output kept for an error's text: a build's last screen. */
const RECENT_MAX_LENGTH = 4000;

export interface ShellToDrive {
  /** A command line that starts an interactive bash: `docker exec -it sandbox bash -l`. */
  readonly command: string;
  readonly cols: number;
  readonly rows: number;
  /** Every chunk of output, in order. */
  readonly output: (chunk: string) => void;
}

/** One interactive bash. Dispose of it to hang up. */
export class TypedShell implements Disposable {
  readonly #pty: IPty;
  readonly #finder = new PromptFinder();
  #ended = false;
  #wake: (event: Prompt | 'ended') => void = () => {};
  /** The bytes that drew the prompt now on the screen. */
  prompt = '';
  /** The last characters of all its output, for whoever must explain why something went wrong. */
  recent = '';

  private constructor({ command, cols, rows, output }: ShellToDrive) {
    this.#pty = spawn('/bin/sh', ['-c', `exec ${command}`], {
      name: 'xterm-256color',
      cols,
      rows,
      cwd: process.cwd(),
      env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    });
    this.#pty.onData((chunk) => {
      this.recent = (this.recent + chunk).slice(-RECENT_MAX_LENGTH);
      output(chunk);
      for (const prompt of this.#finder.read(chunk)) {
        this.prompt = prompt.drawn;
        this.#wake(prompt);
      }
    });
    this.#pty.onExit(() => {
      this.#ended = true;
      this.#wake('ended');
    });
  }

  /** Starts the shell; resolves at its first prompt. */
  static async open(shell: ShellToDrive): Promise<TypedShell> {
    const opened = new TypedShell(shell);
    await opened.#untilPrompt('the first prompt', FIRST_PROMPT_TIMEOUT_MS, () =>
      opened.#pty.write(`${ANNOUNCE_PROMPTS}\r`),
    );
    return opened;
  }

  /** Gives a line to the shell at once, and resolves with its exit code when the prompt is back. */
  async run(line: string, timeoutMs: number): Promise<number> {
    return (await this.#untilPrompt(line, timeoutMs, () => this.#pty.write(` ${line}\r`))).exit;
  }

  /** Types a line at a person's pace, and resolves with its exit code when the prompt is back. */
  async type(line: string, timeoutMs: number): Promise<number> {
    await pause(BEFORE_TYPING_MS);
    const rhythm = keyRhythmMs(line);
    for (const [index, key] of [...line].entries()) {
      await pause(rhythm[index]);
      this.#pty.write(key === '\n' ? '\r' : key);
    }
    await pause(BEFORE_ENTER_MS);
    return (await this.#untilPrompt(line, timeoutMs, () => this.#pty.write('\r'))).exit;
  }

  #untilPrompt(after: string, timeoutMs: number, begin: () => void): Promise<Prompt> {
    return new Promise((resolve, reject) => {
      const stuck = (what: string) =>
        reject(
          new ShellStuck(`${what} after: ${after.slice(0, 200)}\nThe end of its output:\n${this.recent}`),
        );
      if (this.#ended) return stuck('The shell had ended');
      const timer = setTimeout(() => stuck(`No prompt within ${timeoutMs / 1000} s`), timeoutMs);
      this.#wake = (event) => {
        this.#wake = () => {};
        clearTimeout(timer);
        if (event === 'ended') stuck('The shell ended');
        else resolve(event);
      };
      begin();
    });
  }

  [Symbol.dispose](): void {
    if (!this.#ended) this.#pty.kill();
  }
}
