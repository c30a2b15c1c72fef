// What every Spawner must do, as a suite: run on the fake one with each unit test, on the real one with the engine tests.
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { text as streamText } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Sandbox, SandboxGone, type Shell, type Spawner } from '../engine/spawner.ts';

export interface SpawnerUnderTest {
  readonly spawner: Spawner;
  /** Kills the container of a sandbox without the spawner's doing. */
  kill(sandbox: Sandbox): Promise<void>;
}

const SIZE = { cols: 90, rows: 30 };
/** A real sandbox takes a second or two; a busy machine, several. */
const TEST_TIMEOUT_MS = 60_000;
const SOON_MS = 20_000;

/** Declares the suite. `make` is called once for each test; what it makes is cleaned up through the spawner itself. */
export function spawnerContract(name: string, make: () => Promise<SpawnerUnderTest>): void {
  describe(`${name} keeps the spawner's contract`, { timeout: TEST_TIMEOUT_MS }, () => {
    const open: Sandbox[] = [];

    async function spawned(learner = 'ada', lab = 'none') {
      const made = await make();
      const expiresAt = new Date(Math.round(Date.now() / 1000) * 1000 + 3_600_000);
      const sandbox = await made.spawner.spawn({ learner, lab, expiresAt }, new AbortController().signal);
      open.push(sandbox);
      return { ...made, sandbox, expiresAt };
    }

    afterEach(async () => {
      await Promise.all(open.splice(0).map((sandbox) => sandbox.remove()));
    });

    it('remembers whose a sandbox is, which lab it is for and until when', async () => {
      const { spawner, sandbox, expiresAt } = await spawned('ada', 'none');
      const found = (await spawner.list()).find(({ id }) => id === sandbox.id);
      expect(found).toMatchObject({ learner: 'ada', lab: 'none', id: sandbox.id });
      expect(found?.expiresAt).toEqual(expiresAt);
      expect(Math.abs(Date.now() - (found?.startedAt.getTime() ?? 0))).toBeLessThan(TEST_TIMEOUT_MS);
    });

    it('hands over a sandbox whose engine answers', async () => {
      const { sandbox } = await spawned();
      await sandbox.ready();
      expect(await ping(sandbox)).toBe('OK');
    });

    it('runs commands, with what they say and how they end', async () => {
      const { sandbox } = await spawned();
      const script = 'cat; echo "$GREETING" >&2; exit 3';
      const result = await sandbox.exec(['sh', '-c', script], { input: 'in', env: { GREETING: 'hello' } });
      expect(result).toEqual({ exitCode: 3, stdout: 'in', stderr: 'hello\n', truncated: false });
    });

    it('takes files in and gives them back', async () => {
      const { sandbox } = await spawned();
      const tar = pack();
      tar.entry({ name: 'notes/a.txt' }, 'one');
      tar.finalize();
      await sandbox.writeTar(sandbox.folder, Readable.from(tar));
      expect(await files(sandbox, `${sandbox.folder}/notes`)).toEqual({ 'notes/a.txt': 'one' });
    });

    it('plants values that differ by name and by sandbox and stay the same', async () => {
      const { spawner, sandbox } = await spawned();
      const other = await spawner.spawn(
        { learner: 'bob', lab: 'none', expiresAt: new Date(Date.now() + 3_600_000) },
        new AbortController().signal,
      );
      open.push(other);
      expect(sandbox.canary('secret')).toBe(sandbox.canary('secret'));
      const again = (await spawner.list()).find(({ id }) => id === sandbox.id);
      expect(again?.canary('secret')).toBe(sandbox.canary('secret'));
      expect(new Set([sandbox.canary('secret'), sandbox.canary('other'), other.canary('secret')]).size).toBe(
        3,
      );
    });

    it('echoes what is typed in a shell', async () => {
      const { sandbox } = await spawned();
      const screen = await shown(sandbox);
      screen.shell.write('echo one-$NOTHING-two\r');
      await screen.shows('one--two');
    });

    it('gives the shell the size it is asked for', async () => {
      const { sandbox } = await spawned();
      const screen = await shown(sandbox);
      await screen.ask('stty size', '30 90');
      await screen.shell.resize({ cols: 120, rows: 40 });
      await screen.ask('stty size', '40 120');
    });

    it('keeps a shell when its attachment goes, and finds it again', async () => {
      const { sandbox } = await spawned();
      const before = await shown(sandbox);
      before.shell.write('KEPT=still-here\r');
      await before.ask('echo set-$KEPT', 'set-still-here');
      await before.shell.detach();
      expect(await before.shell.ended).toBe('detached');
      const after = await shown(sandbox, '1', 'kept');
      await after.ask('echo and-$KEPT', 'and-still-here');
    });

    it('keeps shells of different names apart', async () => {
      const { sandbox } = await spawned();
      const one = await shown(sandbox, '1');
      const two = await shown(sandbox, '2');
      one.shell.write('MINE=first\r');
      await one.ask('echo got-$MINE', 'got-first');
      await two.ask('echo got-$MINE.', 'got-.');
    });

    it('says that a shell exited, and starts a new one the next time', async () => {
      const { sandbox } = await spawned();
      const screen = await shown(sandbox);
      screen.shell.write('exit\r');
      expect(await screen.shell.ended).toBe('exited');
      const next = await shown(sandbox);
      await next.ask('echo new-$NOTHING.', 'new-.');
    });

    it('lets a paused shell say nothing more than what is under way, and goes on', async () => {
      const { sandbox } = await spawned();
      const screen = await shown(sandbox);
      screen.shell.write('yes\r');
      await screen.shows('y\r\ny\r\ny');
      screen.shell.pause();
      const held = await stable(() => screen.bytes());
      screen.shell.resume();
      await vi.waitFor(() => expect(screen.bytes()).toBeGreaterThan(held), SOON_MS);
      screen.shell.write('\x03');
      await screen.ask('echo calm-$NOTHING.', 'calm-.');
    });

    it('keeps shells and files of a frozen sandbox, and lets it run on', async () => {
      const { spawner, sandbox } = await spawned();
      const before = await shown(sandbox);
      before.shell.write('KEPT=frozen\r');
      await before.ask('echo set-$KEPT', 'set-frozen');
      await sandbox.freeze();
      expect(await before.shell.ended).toBe('lost');
      const found = (await spawner.list()).find(({ id }) => id === sandbox.id);
      expect(found).toBeDefined();
      await found?.thaw();
      await found?.thaw();
      await found?.ready();
      const after = await shown(found ?? sandbox, '1', 'kept');
      await after.ask('echo and-$KEPT', 'and-frozen');
    });

    it('leaves nothing of a start that was stopped', async () => {
      const { spawner } = await make();
      const abort = new AbortController();
      const start = spawner.spawn(
        { learner: 'eve', lab: 'none', expiresAt: new Date(Date.now() + 60_000) },
        abort.signal,
      );
      abort.abort(new Error('changed my mind'));
      const outcome = await start.then(
        (sandbox) => sandbox,
        () => undefined,
      );
      // A start that was done before it could be stopped is the caller's to remove.
      if (outcome !== undefined) open.push(outcome);
      else expect((await spawner.list()).filter(({ learner }) => learner === 'eve')).toEqual([]);
    });

    it('removes a sandbox once and for all, however often it is asked', async () => {
      const { spawner, sandbox } = await spawned();
      await sandbox.remove();
      await sandbox.remove();
      expect((await spawner.list()).map(({ id }) => id)).not.toContain(sandbox.id);
      await expect(sandbox.ready()).rejects.toThrow(SandboxGone);
    });

    it('tells of a sandbox that died, but not of one that was removed', async () => {
      const { spawner, sandbox, kill } = await spawned();
      const died: string[] = [];
      const stop = spawner.watch((id) => died.push(id));
      const other = await spawner.spawn(
        { learner: 'bob', lab: 'none', expiresAt: new Date(Date.now() + 3_600_000) },
        new AbortController().signal,
      );
      await other.remove();
      await kill(sandbox);
      await vi.waitFor(() => expect(died).toContain(sandbox.id), SOON_MS);
      expect(died).not.toContain(other.id);
      stop();
    });
  });
}

/** Attaches to a shell and collects what it says. */
async function shown(sandbox: Sandbox, name = '1', state: 'new' | 'kept' = 'new') {
  const shell: Shell = await sandbox.shell(name, SIZE);
  const chunks: Buffer[] = [];
  shell.onData((chunk) => chunks.push(Buffer.from(chunk)));
  const said = () => Buffer.concat(chunks).toString();
  const shows = (expected: string) => vi.waitFor(() => expect(said()).toContain(expected), SOON_MS);
  // A shell that was kept says nothing until it is spoken to: its prompt stands on a screen that was drawn before.
  if (state === 'new') await shows('$ ');
  return {
    shell,
    shows,
    bytes: () => chunks.reduce((total, chunk) => total + chunk.length, 0),
    async ask(command: string, answer: string) {
      shell.write(`${command}\r`);
      await shows(answer);
    },
  };
}

/** Waits until a number has stopped changing. */
async function stable(read: () => number): Promise<number> {
  let last = -1;
  await vi.waitFor(
    () => {
      const now = read();
      const same = now === last;
      last = now;
      expect(same).toBe(true);
    },
    { timeout: SOON_MS, interval: 300 },
  );
  return last;
}

async function ping(sandbox: Sandbox): Promise<string> {
  return await new Promise((resolve, reject) => {
    const asked = request({ path: '/_ping', createConnection: () => sandbox.dial() }, (response) => {
      streamText(response).then(resolve, reject);
    });
    asked.once('error', reject);
    asked.end();
  });
}

async function files(sandbox: Sandbox, path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const untar = extract();
  (await sandbox.readTar(path)).pipe(untar);
  for await (const entry of untar) {
    const content = await streamText(entry);
    if (entry.header.type === 'file') found[entry.header.name] = content;
  }
  return found;
}
