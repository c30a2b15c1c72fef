// The typist: prompts are found in any slicing of the stream, and a real bash is driven from prompt to prompt.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { screenText } from './asciicast.ts';
import { parseRecipes } from './recipe.ts';
import { record } from './record.ts';
import { keyRhythmMs, PromptFinder, ShellStuck, TypedShell } from './typed-shell.ts';

const BASH = "env -i PATH=/usr/bin:/bin LANG=C.UTF-8 PS1='$ ' bash --norc --noprofile -i";

test('prompts are found however the stream is cut', () => {
  const stream =
    'noise\u001b]133;D;0\u0007$ \u001b]133;B\u0007false\r\n\u001b]133;D;1\u0007\u001b[31m1\u001b[0m $ \u001b]133;B\u0007';
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), (cuts) => {
      const finder = new PromptFinder();
      const at = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const exits = at
        .slice(1)
        .flatMap((end, i) => finder.read(stream.slice(at[i], end)).map(({ exit }) => exit));
      expect(exits).toEqual([0, 1]);
    }),
  );
});

test('a mark that is only echoed as text is not a prompt', () => {
  expect(new PromptFinder().read(String.raw`printf '\e]133;D;0\a \e]133;B\a'`)).toEqual([]);
});

test('the same line is always typed in the same rhythm, at a pace a person has', () => {
  const rhythm = keyRhythmMs('docker build -t orders .');
  expect(rhythm).toEqual(keyRhythmMs('docker build -t orders .'));
  expect(Math.min(...rhythm)).toBeGreaterThanOrEqual(25);
  expect(Math.max(...rhythm)).toBeLessThan(150);
});

test('exit codes come back with the prompt', async () => {
  using shell = await TypedShell.open({ command: BASH, cols: 80, rows: 24, output: () => {} });
  expect(await shell.run('true', 5000)).toBe(0);
  expect(await shell.run('(exit 7)', 5000)).toBe(7);
});

test('a shell that never shows a prompt is reported with the end of its output', async () => {
  using shell = await TypedShell.open({ command: BASH, cols: 80, rows: 24, output: () => {} });
  await expect(shell.run('echo about to hang; sleep 30', 300)).rejects.toThrow(ShellStuck);
  await expect(TypedShell.open({ command: 'true', cols: 80, rows: 24, output: () => {} })).rejects.toThrow(
    'The shell ended',
  );
});

const [hello] = parseRecipes(
  [
    {
      name: 'hello',
      title: 'Hello',
      folder: 'orders',
      setup: 'echo from-setup >file\necho not for the reader',
      steps: [{ type: 'cat file' }, { type: 'false', exit: 1 }],
      shows: ['from-setup'],
      hides: ['not for the reader'],
      rows: 10,
    },
  ],
  'test',
);
if (hello === undefined) throw new Error('The recipe above must parse.');

async function inEmptyFolder(body: (shell: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'casts-'));
  try {
    await body(`env --chdir=${folder} ${BASH}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a recording begins at a fresh prompt, shows what was typed and answered, and nothing of the preparation', () =>
  inEmptyFolder(async (shell) => {
    const recording = await record(hello, shell);
    expect(await screenText(recording)).toBe('$ cat file\nfrom-setup\n$ false\n$');
    expect(recording.moments[0]?.at).toBe(0);
  }));

test('an exit code that the recipe does not foresee refuses the recording and shows the screen', () =>
  inEmptyFolder(async (shell) => {
    const surprised = { ...hello, steps: [{ type: 'cat nothing-there', exit: 0, timeoutSeconds: 5 }] };
    await expect(record(surprised, shell)).rejects.toThrow(
      /exit code 1 where its recipe says 0[\s\S]*No such file/,
    );
  }));

test('a recording that does not show what the lesson relies on is refused', () =>
  inEmptyFolder(async (shell) => {
    await expect(record({ ...hello, shows: ['CACHED'] }, shell)).rejects.toThrow('it does not show "CACHED"');
  }));

test('a preparation that fails is told before anything is typed', () =>
  inEmptyFolder(async (shell) => {
    await expect(record({ ...hello, setup: 'false\necho after' }, shell)).rejects.toThrow(
      'preparation of cast hello failed',
    );
  }));
