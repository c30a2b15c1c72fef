// What was acknowledged is remembered, whatever happens to the process.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from './store.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, 'deep', 'slipway.db');

describe('the store', () => {
  it('gives back what was appended, in order, to whom it belongs', async () => {
    const store = openStore(file(), () => new Date('2026-11-21T08:00:00Z'));
    await store.append('ada', [
      { type: 'lab-started', lab: 'one' },
      { type: 'check-failed', lab: 'one', check: 'image.small', misconception: 'MC-01' },
    ]);
    await store.append('bob', [{ type: 'lesson-read', lesson: 'dockerfiles' }]);
    await store.append('ada', []);
    await store.close();
    const again = openStore(file());
    expect(await again.events('ada')).toEqual([
      { id: 1, at: '2026-11-21T08:00:00.000Z', learner: 'ada', type: 'lab-started', lab: 'one' },
      {
        id: 2,
        at: '2026-11-21T08:00:00.000Z',
        learner: 'ada',
        type: 'check-failed',
        lab: 'one',
        check: 'image.small',
        misconception: 'MC-01',
      },
    ]);
    expect(await again.events('eve')).toEqual([]);
    await again.close();
  });

  it('gives back the last results of each task', async () => {
    const store = openStore(file());
    const result = (id: string, status: 'pass' | 'fail') => ({
      id,
      task: 'build',
      title: id,
      status,
      evidence: [{ api: 'GET /images/x/json', field: '.Size', value: { bytes: [1, 2] } }],
      ms: 1,
    });
    await store.append('ada', [
      { type: 'checked', lab: 'one', task: 'build', results: [result('a', 'fail')] },
      { type: 'checked', lab: 'one', task: 'run', results: [result('b', 'fail')] },
      { type: 'checked', lab: 'two', task: 'build', results: [result('c', 'fail')] },
      { type: 'checked', lab: 'one', task: 'build', results: [result('a', 'pass')] },
    ]);
    const last = await store.lastChecked('ada', 'one');
    expect(last.map((event) => event.type === 'checked' && event.results)).toEqual([
      [result('b', 'fail')],
      [result('a', 'pass')],
    ]);
    expect(await store.events('ada')).toEqual([]);
    await store.close();
  });

  it('takes appends from many at once', async () => {
    const store = openStore(file());
    const learners = Array.from({ length: 50 }, (_, index) => `learner-${index}`);
    await Promise.all(
      learners.flatMap((learner) => [
        store.append(learner, [{ type: 'lab-started', lab: 'one' }]),
        store.append(learner, [{ type: 'lesson-read', lesson: 'x' }]),
      ]),
    );
    for (const learner of learners) expect(await store.events(learner)).toHaveLength(2);
    await store.close();
  });

  it('loses nothing that it acknowledged when the process is killed', { timeout: 20_000 }, async () => {
    const module = new URL('./store.ts', import.meta.url).href;
    const script = `
      const { openStore } = await import(${JSON.stringify(module)});
      const store = openStore(${JSON.stringify(file())});
      for (let number = 1; ; number++) {
        await store.append('ada', [{ type: 'lesson-read', lesson: String(number) }]);
        process.stdout.write(number + '\\n');
      }`;
    let remembered = 0;
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let acknowledged = '';
      const dead = new Promise((resolve) => child.once('close', resolve));
      child.stdout.on('data', (chunk: Buffer) => {
        acknowledged += chunk.toString();
        if (acknowledged.length > 400) child.kill('SIGKILL');
      });
      await dead;
      const last = acknowledged.slice(0, acknowledged.lastIndexOf('\n')).split('\n').at(-1);
      const store = openStore(file());
      const events = await store.events('ada');
      await store.close();
      expect(events.length - remembered).toBeGreaterThanOrEqual(Number(last));
      remembered = events.length;
    }
  });

  it('leaves a file alone that a newer Slipway wrote, or that is no database', () => {
    const newer = join(folder, 'newer.db');
    const database = new DatabaseSync(newer);
    database.exec('pragma user_version = 99');
    database.close();
    expect(() => openStore(newer)).toThrow(
      /was written by a newer Slipway \(its version is 99, this one knows 1\)/,
    );
    const other = join(folder, 'other.db');
    writeFileSync(other, 'This is a diary.'.repeat(100));
    expect(() => openStore(other)).toThrow(/is not a readable SQLite database. Nothing was changed/);
  });
});
