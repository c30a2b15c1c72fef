// A shell's connection, with the other end of its terminal played by the test.
import { Duplex } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { DockerShell } from './docker-shell.ts';

const CLEARING = '\x1b[H\x1b[J';

/** A shell and its terminal: what was typed into it, and a way to make it say something. */
function connect() {
  let typed = '';
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      typed += chunk.toString();
      done();
    },
  });
  const shell = new DockerShell(
    { stream, resize: async () => {}, exitCode: async () => undefined },
    { cols: 80, rows: 24 },
    async () => {},
  );
  let shown = '';
  shell.onData((chunk) => {
    shown += Buffer.from(chunk).toString();
  });
  return { shell, says: (text: string) => stream.push(text), typed: () => typed, shown: () => shown };
}

test('what is typed before the shell is attached to waits for it, in order, and clears no screen', async () => {
  const { shell, says, typed, shown } = connect();
  shell.write('echo one\r');
  shell.write('echo two\r');
  expect(typed()).toBe('');
  says(CLEARING.slice(0, 4));
  says(`${CLEARING.slice(4)}$ `);
  await vi.waitFor(() => expect(typed()).toBe('echo one\recho two\r'));
  shell.write('echo three\r');
  await vi.waitFor(() => expect(typed()).toMatch(/two\recho three\r$/));
  expect(shown()).toBe('$ ');
});

test('a clearing that is the shell’s own is shown', async () => {
  const { says, shown } = connect();
  says(`${CLEARING}$ clear\r\n${CLEARING}$ `);
  await vi.waitFor(() => expect(shown()).toBe(`$ clear\r\n${CLEARING}$ `));
});

test('where attaching fails, the reason is shown, whole', async () => {
  const { says, shown } = connect();
  says('dtach: connection refused\r\n');
  await vi.waitFor(() => expect(shown()).toBe('dtach: connection refused\r\n'));
});

test('a shell that is held up from the start is still attached to and typed into', async () => {
  const { shell, says, typed, shown } = connect();
  shell.pause();
  shell.write('\x03');
  says(CLEARING);
  await vi.waitFor(() => expect(typed()).toBe('\x03'));
  says('later');
  await new Promise((resolve) => setImmediate(resolve));
  expect(shown()).toBe('');
  shell.resume();
  await vi.waitFor(() => expect(shown()).toBe('later'));
});
