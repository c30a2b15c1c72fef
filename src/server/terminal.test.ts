// A shell that outlives its sockets: nothing lost, nothing doubled, nobody held up.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import headless from '@xterm/headless';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Shell } from '../engine/spawner.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, TERMINAL_CLOSE, type TerminalNotice } from '../protocol.ts';
import { silentLog } from './log.ts';
import { openTerminal, type Terminal, type TerminalOptions } from './terminal.ts';
import { ShellProcess } from './testing-shell.ts';
import type { Viewer } from './viewers.ts';

const SIZE = { cols: 80, rows: 24 };
const waitFor = (assert: () => void) => vi.waitFor(assert, { timeout: 5_000, interval: 5 });

let folder = '';
const open: Terminal[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-terminal-'));
});
afterEach(() => {
  for (const terminal of open.splice(0)) terminal.close(1000, 'The test is over.');
  rmSync(folder, { recursive: true, force: true });
});

async function terminalOn(process: ShellProcess, options: Partial<TerminalOptions> = {}): Promise<Terminal> {
  const terminal = await openTerminal({
    size: SIZE,
    connect: async (size): Promise<Shell> => process.attach(size),
    journalFile: join(folder, 'screen'),
    closed: () => {},
    log: silentLog,
    ...options,
  });
  open.push(terminal);
  return terminal;
}

/** A page that keeps what it is sent since its last replay, and acknowledges when told to. */
class Page implements Viewer {
  shown = Buffer.alloc(0);
  received = 0;
  readonly notices: TerminalNotice[] = [];
  closed: { code: number; reason: string } | undefined;
  output(bytes: Uint8Array): void {
    this.shown = Buffer.concat([this.shown, bytes]);
    this.received += bytes.length;
  }
  notice(notice: TerminalNotice): void {
    if (notice.type === 'replay') {
      this.shown = Buffer.alloc(0);
      this.received = 0;
    }
    this.notices.push(notice);
  }
  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
  get text(): string {
    return this.shown.toString();
  }
  get replays(): number {
    return this.notices.filter(({ type }) => type === 'replay').length;
  }
}

/** The lines that a terminal shows when it is sent this. */
async function painted(output: Uint8Array): Promise<(string | undefined)[]> {
  const terminal = new headless.Terminal({ ...SIZE, scrollback: 1000, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(output, resolve));
  const { active } = terminal.buffer;
  const lines = Array.from({ length: active.length }, (_, line) =>
    active.getLine(line)?.translateToString(true),
  );
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

const bytes = (text: string) => Buffer.from(text);

describe('a viewer', () => {
  it('that joins while output flows gets every byte once', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constant('join'), fc.constant('wait'), fc.integer({ min: 1, max: 14 })), {
          minLength: 5,
          maxLength: 60,
        }),
        async (steps) => {
          const process = new ShellProcess();
          const terminal = await terminalOn(process, { journalFile: join(folder, `property-${run++}`) });
          const pages: Page[] = [];
          let line = 0;
          process.write('\r');
          for (const step of steps) {
            if (step === 'join') {
              const page = new Page();
              terminal.attach(page, SIZE);
              pages.push(page);
            } else if (step === 'wait') await new Promise((resolve) => setTimeout(resolve, 1));
            else for (let count = 0; count < step; count++) process.write(`line ${line++} of the flood\r\n`);
          }
          process.write('the end');
          await waitFor(() => {
            for (const page of pages) expect(page.text).toContain('the end');
          });
          const expected = Array.from({ length: line }, (_, index) => `line ${index} of the flood`);
          for (const page of pages) expect(await painted(page.shown)).toEqual([...expected, 'the end']);
          terminal.close(1000, 'Done.');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gets a single echo at once, without waiting for more', async () => {
    const process = new ShellProcess();
    const terminal = await terminalOn(process);
    const page = new Page();
    const attachment = terminal.attach(page, SIZE);
    await waitFor(() => expect(page.text).toContain('$ '));
    await new Promise((resolve) => setTimeout(resolve, 10));
    attachment.input(bytes('e'));
    // The echo came back within the call, and so did its frame.
    expect(page.text).toMatch(/He$/);
  });

  it('holds the shell up when it owes too much, and lets it go on when it has caught up', async () => {
    const process = new ShellProcess();
    const terminal = await terminalOn(process);
    const page = new Page();
    const attachment = terminal.attach(page, SIZE);
    await waitFor(() => expect(page.replays).toBe(1));
    attachment.input(bytes('yes\r'));
    await waitFor(() => expect(page.received).toBeGreaterThan(HIGH_WATER_BYTES));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const held = page.received;
    expect(held).toBeLessThan(2 * HIGH_WATER_BYTES);
    attachment.acknowledge(held - LOW_WATER_BYTES - 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(page.received).toBe(held);
    attachment.acknowledge(held);
    await waitFor(() => expect(page.received).toBeGreaterThan(held));
    attachment.input(bytes('\x03'));
    attachment.acknowledge(Number.MAX_SAFE_INTEGER);
    await waitFor(() => expect(page.text.endsWith('^C\r\n$ ')).toBe(true));
  });

  it('is dropped when it holds the shell up and shows nothing', async () => {
    const process = new ShellProcess();
    const terminal = await terminalOn(process, { silenceMs: 60 });
    const silent = new Page();
    terminal.attach(silent, SIZE);
    const lively = new Page();
    const attachment = terminal.attach(lively, SIZE);
    const acknowledging = setInterval(() => attachment.acknowledge(lively.received), 1);
    attachment.input(bytes('yes\r'));
    await waitFor(() => expect(silent.closed?.code).toBe(1013));
    const before = lively.received;
    await waitFor(() => expect(lively.received).toBeGreaterThan(before + HIGH_WATER_BYTES));
    expect(lively.closed).toBeUndefined();
    clearInterval(acknowledging);
  });

  it('that looks on shares the shell, in the size of the one that acts', async () => {
    const process = new ShellProcess();
    const terminal = await terminalOn(process);
    const wide = new Page();
    const narrow = new Page();
    const one = terminal.attach(wide, { cols: 100, rows: 30 });
    const two = terminal.attach(narrow, { cols: 60, rows: 20 });
    await waitFor(() => expect(narrow.text).toContain('$ '));
    two.input(bytes('stty size\r'));
    await waitFor(() => expect(narrow.text).toContain('20 60'));
    one.input(bytes('stty size\r'));
    await waitFor(() => expect(wide.text).toContain('30 100'));
    // It was repainted, because output was wrapped for the other's size meanwhile.
    expect(wide.replays).toBe(2);
    one.detach();
    two.input(bytes('stty size\r'));
    await waitFor(() => expect(narrow.text.match(/20 60/g)).toHaveLength(2));
  });

  it('answers for the terminal only if it is in front', async () => {
    const heard: string[] = [];
    const process = new ShellProcess();
    const terminal = await terminalOn(process, {
      connect: async (size) => {
        const shell = process.attach(size);
        const write = shell.write.bind(shell);
        shell.write = (data) => {
          heard.push(Buffer.from(data).toString());
          write(data);
        };
        return shell;
      },
    });
    process.write('\x1b[6n');
    await waitFor(() => expect(heard).toEqual(['\x1b[1;3R']));
    const behind = terminal.attach(new Page(), SIZE);
    const inFront = terminal.attach(new Page(), SIZE);
    behind.input(bytes('\x1b[1;3R'));
    inFront.input(bytes('\x1b[1;3R'));
    behind.input(bytes('\x1b]11;rgb:00/00/00\x1b\\'));
    expect(heard).toEqual(['\x1b[1;3R', '\x1b[1;3R']);
  });

  it('hears that the shell ended, and starts a new one with Enter', async () => {
    let process = new ShellProcess();
    const terminal = await terminalOn(process, {
      connect: async (size) => {
        if (process.exited) process = new ShellProcess();
        return process.attach(size);
      },
    });
    const page = new Page();
    const attachment = terminal.attach(page, SIZE);
    attachment.input(bytes('exit\r'));
    await waitFor(() => expect(page.notices.at(-1)).toEqual({ type: 'exited' }));
    const late = new Page();
    terminal.attach(late, SIZE);
    await waitFor(() => expect(late.notices.map(({ type }) => type)).toEqual(['replay', 'exited']));
    attachment.input(bytes('lost'));
    attachment.input(bytes('\r'));
    attachment.input(bytes('echo typed ahead\r'));
    await waitFor(() => expect(page.text).toContain('\r\ntyped ahead\r\n'));
    expect(page.text).not.toContain('lost');
  });
});

describe('a shell that nobody looks at', () => {
  it('runs on, but may not flood the server', async () => {
    const process = new ShellProcess();
    const terminal = await terminalOn(process);
    const page = new Page();
    const attachment = terminal.attach(page, SIZE);
    await waitFor(() => expect(page.text).toContain('$ '));
    attachment.input(bytes('yes\r'));
    attachment.detach();
    let flooded = 0;
    const write = process.write.bind(process);
    process.write = write;
    const attach = vi.spyOn(process, 'flood');
    await new Promise((resolve) => setTimeout(resolve, 300));
    flooded = attach.mock.calls.length * 4095;
    expect(flooded).toBeGreaterThan(100_000);
    expect(flooded).toBeLessThan(1_500_000);
    const back = new Page();
    const again = terminal.attach(back, SIZE);
    again.input(bytes('\x03'));
    await waitFor(() => {
      again.acknowledge(back.received);
      expect(back.text.endsWith('^C\r\n$ ')).toBe(true);
    });
  });
});

describe('a connection that is lost', () => {
  it('at once is told to the pages, which try again', async () => {
    const process = new ShellProcess();
    let closed = 0;
    const terminal = await terminalOn(process, { closed: () => closed++ });
    const page = new Page();
    terminal.attach(page, SIZE);
    process.lose();
    await waitFor(() => expect(page.closed?.code).toBe(TERMINAL_CLOSE.engineLost));
    expect(closed).toBe(1);
  });

  it('after a while is made again in place, and says that something may be missing', async () => {
    const process = new ShellProcess();
    let clock = 0;
    const terminal = await terminalOn(process, { now: () => clock });
    const page = new Page();
    const attachment = terminal.attach(page, SIZE);
    attachment.input(bytes('KEPT=yes\r'));
    clock = 60_000;
    process.lose();
    await waitFor(() => expect(page.text).toContain('output may be missing'));
    attachment.input(bytes('echo kept-$KEPT\r'));
    await waitFor(() => expect(page.text).toContain('kept-yes'));
    expect(page.closed).toBeUndefined();
  });
});

describe('a screen on disk', () => {
  const screenFile = () => join(folder, 'screen');

  /** The terminal's process is killed: all that is left is the file. */
  function killed(): Buffer {
    return readFileSync(screenFile());
  }

  it('comes back after a kill, with a word that something may be missing', async () => {
    const process = new ShellProcess();
    const first = await terminalOn(process);
    const page = new Page();
    const attachment = first.attach(page, SIZE);
    attachment.input(bytes('echo \x1b[31mred\x1b[0m\r'));
    attachment.resize({ cols: 100, rows: 30 });
    attachment.input(bytes('KEPT=yes\r'));
    await waitFor(() => expect(page.text).toContain('KEPT=yes\r\n$ '));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const file = killed();
    first.close(1000, 'Killed.');
    writeFileSync(screenFile(), file);
    const after = new Page();
    const next = (await terminalOn(process)).attach(after, SIZE);
    await waitFor(() => expect(after.text).toContain('KEPT=yes\r\n$ \r\n'));
    expect(after.text).toContain('output may be missing here)');
    expect(after.text).toContain('\x1b[31mred');
    next.input(bytes('echo kept-$KEPT\r'));
    await waitFor(() => expect(after.text).toContain('kept-yes'));
  });

  it('comes back whole after a stop in good order, without a word', async () => {
    const process = new ShellProcess();
    const first = await terminalOn(process);
    const page = new Page();
    first.attach(page, SIZE).input(bytes('echo seen\r'));
    await waitFor(() => expect(page.text).toContain('\r\nseen'));
    await first.rest();
    expect(page.closed?.code).toBe(1012);
    const after = new Page();
    (await terminalOn(process)).attach(after, SIZE);
    await waitFor(() => expect(after.text).toContain('$ '));
    expect(await painted(after.shown)).toEqual(['$ echo seen', 'seen', '$ ']);
  });

  it('is read as far as it goes, wherever a kill has cut it', async () => {
    const process = new ShellProcess();
    const first = await terminalOn(process);
    process.write('\rone\r\n\x1b[31mtwo\x1b[0m 漢字\r\nthree');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const file = killed();
    first.close(1000, 'Killed.');
    for (let length = 0; length <= file.length; length += 7) {
      writeFileSync(screenFile(), file.subarray(0, length));
      const after = new Page();
      const terminal = await terminalOn(new ShellProcess());
      terminal.attach(after, SIZE);
      await waitFor(() => expect(after.text).toContain('$ '));
      terminal.close(1000, 'Done.');
    }
  });

  it('stays small under a flood, and ends with what was last on the screen', async () => {
    const process = new ShellProcess();
    const first = await terminalOn(process);
    const page = new Page();
    const attachment = first.attach(page, SIZE);
    const acknowledging = setInterval(() => attachment.acknowledge(page.received), 1);
    attachment.input(bytes('yes\r'));
    let total = 0;
    const output = page.output.bind(page);
    page.output = (chunk) => {
      total += chunk.length;
      output(chunk);
      page.shown = page.shown.subarray(-1000);
    };
    await vi.waitFor(() => expect(total).toBeGreaterThan(6_000_000), { timeout: 15_000 });
    expect(statSync(screenFile()).size).toBeLessThan(2_500_000);
    attachment.input(bytes('\x03'));
    attachment.input(bytes('echo the-last\r'));
    await waitFor(() => expect(page.text).toContain('\r\nthe-last'));
    clearInterval(acknowledging);
    await first.rest();
    const after = new Page();
    (await terminalOn(process)).attach(after, SIZE);
    await waitFor(() => expect(after.text).toContain('the-last'));
    expect(statSync(screenFile()).size).toBeLessThan(200_000);
  }, 20_000);
});
