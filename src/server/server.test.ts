// The server as a page meets it: real requests and real sockets over a fake engine.
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { TERMINAL_CLOSE, TERMINAL_FRAME_MAX_BYTES } from '../protocol.ts';
import { fakeGrade, Learner, SOON_MS, TestTerminal, testServer } from './testing-server.ts';

const waitFor = (assert: () => Promise<void> | void) =>
  vi.waitFor(assert, { timeout: SOON_MS, interval: 10 });

describe('a learner in a lab', () => {
  it('starts it, types, checks, fails, and finds all of it after a reload', async () => {
    await using running = await testServer({ grade: fakeGrade({ 'image.small': 'fail' }) });
    const ada = await Learner.meet(running.url);
    expect((await ada.ask('GET', '/api/labs/one')).json).toEqual({
      lab: 'one',
      sandbox: null,
      passedTasks: [],
      points: 0,
      of: 15,
      results: [],
      hints: [],
    });
    const started = await ada.ask('POST', '/api/labs/one/sandbox');
    expect(started.status).toBe(201);
    expect((await ada.ask('POST', '/api/labs/one/sandbox')).status).toBe(200);

    const terminal = await ada.terminal('one');
    await terminal.shows('$ ');
    terminal.type('echo hello $NOBODY.\r');
    await terminal.shows('hello .');

    const check = await ada.ask('POST', '/api/labs/one/check', {});
    const events = check.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(check.headers.get('content-type')).toContain('application/x-ndjson');
    expect(events.map((event) => event.type)).toEqual(['started', 'result', 'result', 'result', 'finished']);
    expect(events.at(-1)).toMatchObject({ passedTasks: ['run'], points: 5, of: 15 });

    expect((await ada.ask('POST', '/api/labs/one/hint', { task: 'build', level: 1 })).json).toEqual({
      text: 'build: look',
    });
    expect((await ada.ask('GET', '/api/labs/one')).json).toMatchObject({
      sandbox: started.json,
      passedTasks: ['run'],
      points: 5,
      results: [{ id: 'image.exists' }, { id: 'image.small', status: 'fail' }, { id: 'container.up' }],
      hints: [{ task: 'build', level: 1, text: 'build: look' }],
    });
  });

  it('keeps a task that passed once', async () => {
    let statuses: Parameters<typeof fakeGrade>[0] = {};
    await using running = await testServer({ grade: (...all) => fakeGrade(statuses)(...all) });
    const ada = await Learner.meet(running.url);
    await ada.ask('POST', '/api/labs/one/sandbox');
    await ada.ask('POST', '/api/labs/one/check', { task: 'build' });
    statuses = { 'image.exists': 'fail' };
    const again = await ada.ask('POST', '/api/labs/one/check', {});
    expect(again.text).toContain('"passedTasks":["build","run"],"points":15');
    expect((await ada.ask('GET', '/api/me')).json).toMatchObject({
      labs: {
        one: { started: true, passedTasks: ['build', 'run'], points: 15, of: 15 },
        two: { started: false },
      },
    });
  });

  it('remembers lessons and answers', async () => {
    await using running = await testServer({ lessons: new Set(['dockerfiles']) });
    const ada = await Learner.meet(running.url);
    expect((await ada.ask('POST', '/api/lessons/dockerfiles/read')).status).toBe(204);
    expect(
      (await ada.ask('POST', '/api/lessons/dockerfiles/quiz', { item: 'q1', correct: true })).status,
    ).toBe(204);
    expect(
      (await ada.ask('POST', '/api/lessons/dockerfiles/quiz', { item: 'q1', correct: false })).status,
    ).toBe(204);
    expect((await ada.ask('GET', '/api/me')).json).toMatchObject({
      lessons: { dockerfiles: { read: true, quiz: { q1: { correct: true } } } },
    });
    expect((await ada.ask('POST', '/api/lessons/no-such/read')).json).toMatchObject({
      error: { code: 'no-such-lesson' },
    });
  });

  it('starts one sandbox however many ask for it', async () => {
    await using running = await testServer();
    running.spawner.misfortune = 'slow';
    const ada = await Learner.meet(running.url);
    const asked = Promise.all([1, 2, 3].map(() => ada.ask('POST', '/api/labs/one/sandbox')));
    await waitFor(async () => {
      expect((await ada.ask('GET', '/api/labs/one')).json).toMatchObject({ sandbox: 'starting' });
      expect((await ada.ask('POST', '/api/labs/one/reset')).json).toMatchObject({
        error: { code: 'start-under-way' },
      });
    });
    running.spawner.release();
    const answers = await asked;
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(running.spawner.spawned).toBe(1);
  });

  it('resets and ends', async () => {
    await using running = await testServer();
    const ada = await Learner.meet(running.url);
    const first = await ada.ask('POST', '/api/labs/one/sandbox');
    const terminal = await ada.terminal('one');
    const reset = await ada.ask('POST', '/api/labs/one/reset');
    expect(reset.status).toBe(201);
    expect(reset.json).not.toEqual(first.json);
    expect((await terminal.closed).code).toBe(TERMINAL_CLOSE.noSandbox);
    expect(await running.spawner.list()).toHaveLength(1);
    expect((await ada.ask('DELETE', '/api/labs/one/sandbox')).status).toBe(204);
    expect((await ada.ask('DELETE', '/api/labs/one/sandbox')).status).toBe(204);
    expect(await running.spawner.list()).toHaveLength(0);
    expect((await ada.ask('POST', '/api/labs/one/check', {})).json).toMatchObject({
      error: { code: 'no-sandbox' },
    });
  });

  it('goes on in the same shell with its screen when the server restarts', async () => {
    await using before = await testServer();
    const ada = await Learner.meet(before.url);
    await ada.ask('POST', '/api/labs/one/sandbox');
    const terminal = await ada.terminal('one');
    await terminal.shows('$ ');
    terminal.type('KEPT=yes\recho on the screen\r');
    await terminal.shows('on the screen\r\n$ ');
    await using after = await before.restart();
    expect((await terminal.closed).code).toBe(1012);
    const same = ada.at(after.url);
    expect((await same.ask('GET', '/api/me')).json).toMatchObject({ labs: { one: { started: true } } });
    const again = await same.terminal('one');
    await again.shows('on the screen');
    expect(again.output.toString()).not.toContain('may be missing');
    again.type('echo kept-$KEPT\r');
    await again.shows('kept-yes');
    expect(after.spawner.spawned).toBe(1);
  });
});

describe('bad input', () => {
  it('gets a clear answer and changes nothing', async () => {
    await using running = await testServer();
    const ada = await Learner.meet(running.url);
    const code = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
      const { status, json } = await ada.ask(method, path, body, headers);
      return [status, (json as { error: { code: string } }).error.code];
    };
    expect(await code('GET', '/api/labs/nonsense')).toEqual([404, 'no-such-lab']);
    expect(await code('GET', '/api/labs/..%2f..%2fetc')).toEqual([404, 'no-such-lab']);
    expect(await code('POST', '/api/labs/__proto__/sandbox')).toEqual([404, 'no-such-lab']);
    expect(await code('GET', '/api/nothing')).toEqual([404, 'bad-request']);
    expect(await code('POST', '/api/labs/one/check', '{"task":')).toEqual([400, 'bad-request']);
    expect(await code('POST', '/api/labs/one/check', { task: 'x', more: 1 })).toEqual([400, 'bad-request']);
    expect(await code('POST', '/api/labs/one/check', { task: 'nope' })).toEqual([400, 'bad-request']);
    expect(await code('POST', '/api/labs/one/check', {})).toEqual([404, 'no-sandbox']);
    expect(await code('POST', '/api/labs/one/hint', { task: 'build', level: 4 })).toEqual([
      400,
      'bad-request',
    ]);
    expect(await code('POST', '/api/labs/one/hint', '<xml/>', { 'content-type': 'text/xml' })).toEqual([
      415,
      'bad-request',
    ]);
    expect(await code('POST', '/api/lessons/x/quiz', { item: 'q', correct: 'maybe' })).toEqual([
      400,
      'bad-request',
    ]);
    expect(await code('POST', '/api/lessons/x/quiz', `"${'x'.repeat(70_000)}"`)).toEqual([
      413,
      'bad-request',
    ]);
    expect(await code('POST', '/api/labs/one/sandbox', {}, { origin: 'http://evil.example' })).toEqual([
      403,
      'wrong-origin',
    ]);
    expect(await running.spawner.list()).toEqual([]);
  });

  it('refuses a change that does not say where it comes from', async () => {
    await using running = await testServer();
    const answer = await fetch(`${running.url}/api/labs/one/sandbox`, { method: 'POST' });
    expect(answer.status).toBe(403);
    expect(running.spawner.spawned).toBe(0);
  });

  it('refuses a name that it does not go by', async () => {
    await using running = await testServer();
    const answer = await running.server.inject({ url: '/api/status', headers: { host: 'evil.example' } });
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({ error: { code: 'wrong-origin' } });
  });

  it('opens no terminal for another origin, another learner, or nobody', async () => {
    await using running = await testServer();
    const ada = await Learner.meet(running.url);
    const bob = await Learner.meet(running.url);
    await ada.ask('POST', '/api/labs/one/sandbox');
    const address = `${running.url.replace('http', 'ws')}/api/terminal?lab=one&shell=1&cols=80&rows=24`;
    const refusal = (headers: Record<string, string>, url = address) =>
      TestTerminal.open(new WebSocket(url, { headers })).then(
        () => 'opened',
        (error: Error) => error.message.replace(/"message".*/, ''),
      );
    expect(await refusal({ cookie: ada.cookie, origin: 'http://evil.example' })).toContain(
      '403 {"error":{"code":"wrong-origin"',
    );
    expect(await refusal({ cookie: ada.cookie })).toContain('403 {"error":{"code":"wrong-origin"');
    expect(await refusal({ origin: running.url })).toContain('403 {"error":{"code":"not-yours"');
    const forged = `${ada.cookie.slice(0, -3)}AAA`;
    expect(await refusal({ cookie: forged, origin: running.url })).toContain(
      '403 {"error":{"code":"not-yours"',
    );
    expect(await refusal({ cookie: bob.cookie, origin: running.url })).toContain(
      '404 {"error":{"code":"no-sandbox"',
    );
    const wrong = address.replace('shell=1', 'shell=9');
    expect(await refusal({ cookie: ada.cookie, origin: running.url }, wrong)).toContain(
      '400 {"error":{"code":"bad-request"',
    );
    const nowhere = await fetch(`${running.url}/api/terminal`);
    expect(nowhere.status).toBe(404);
  });

  it('opens no more terminals than a person could look at, nor faster', async () => {
    await using running = await testServer();
    const ada = await Learner.meet(running.url);
    await ada.ask('POST', '/api/labs/one/sandbox');
    const open: TestTerminal[] = [];
    for (let count = 0; count < 12; count++) open.push(await ada.terminal('one'));
    await expect(ada.terminal('one')).rejects.toThrow('429 {"error":{"code":"too-many-requests"');
    for (const terminal of open) await terminal.leave();
    const again = async () => {
      for (let count = 0; count < 120; count++) await (await ada.terminal('one')).leave();
    };
    await expect(again()).rejects.toThrow('429 {"error":{"code":"too-many-requests"');
  });

  it('closes a socket that talks nonsense, and keeps its shell', async () => {
    await using running = await testServer();
    const ada = await Learner.meet(running.url);
    await ada.ask('POST', '/api/labs/one/sandbox');
    const frames: (string | Buffer)[] = [
      'not json',
      '{"type":"dance"}',
      '{"type":"resize","cols":-1,"rows":1e9}',
      '{"type":"ack","bytes":1,"more":true}',
      'x'.repeat(2000),
      Buffer.alloc(TERMINAL_FRAME_MAX_BYTES + 1, 'a'),
    ];
    const first = await ada.terminal('one');
    first.type('MINE=kept\r');
    await first.shows('MINE=kept\r\n$ ');
    for (const frame of frames) {
      const terminal = await ada.terminal('one');
      terminal.socket.send(frame);
      const { code, reason } = await terminal.closed;
      expect(code).toBe(TERMINAL_CLOSE.badFrame);
      expect(reason).toContain('The shell is untouched.');
    }
    const huge = await ada.terminal('one');
    huge.socket.send(Buffer.alloc(8 * TERMINAL_FRAME_MAX_BYTES, 'a'));
    expect((await huge.closed).code).toBe(1009);
    const after = await ada.terminal('one');
    after.type('echo still-$MINE\r');
    await after.shows('still-kept');
  });
});

describe('an engine in trouble', () => {
  it('lets lessons and progress be, while labs are prepared or missing', async () => {
    await using running = await testServer();
    const { server } = running;
    const ada = await Learner.meet(running.url);
    await server.labsAre({ state: 'preparing', message: 'Building images (2 of 6).' });
    expect((await ada.ask('GET', '/api/status')).json).toEqual({
      labs: 'preparing',
      message: 'Building images (2 of 6).',
    });
    const start = await ada.ask('POST', '/api/labs/one/sandbox');
    expect([start.status, start.headers.get('retry-after')]).toEqual([503, '5']);
    expect(start.json).toEqual({ error: { code: 'engine-missing', message: 'Building images (2 of 6).' } });
    await server.labsAre({ state: 'unavailable', message: 'No engine was found.', next: 'Install Docker.' });
    expect((await ada.ask('POST', '/api/labs/one/sandbox')).json).toEqual({
      error: { code: 'engine-missing', message: 'No engine was found.', next: 'Install Docker.' },
    });
    expect((await ada.ask('GET', '/api/me')).status).toBe(200);
    await server.labsAre({ state: 'ready', spawner: running.spawner, isolation: 'privileged' });
    expect((await ada.ask('GET', '/api/status')).json).toEqual({ labs: 'ready', isolation: 'privileged' });
  });

  it('says so while the engine is away, and goes on when it is back', async () => {
    await using running = await testServer({ paces: { retryEveryMs: 20 } });
    const ada = await Learner.meet(running.url);
    await ada.ask('POST', '/api/labs/one/sandbox');
    const terminal = await ada.terminal('one');
    await terminal.shows('$ ');
    terminal.type('KEPT=yes\recho before\r');
    await terminal.shows('\nbefore');
    running.spawner.loseEngine();
    expect((await terminal.closed).code).toBe(TERMINAL_CLOSE.engineLost);
    expect((await ada.ask('GET', '/api/status')).json).toMatchObject({ labs: 'unavailable' });
    for (const [method, path] of [
      ['POST', '/api/labs/two/sandbox'],
      ['POST', '/api/labs/one/reset'],
      ['POST', '/api/labs/one/check'],
      ['DELETE', '/api/labs/one/sandbox'],
    ] as const) {
      const { status, json } = await ada.ask(method, path);
      expect([status, (json as { error: { code: string } }).error.code]).toEqual([503, 'engine-lost']);
    }
    await expect(ada.terminal('one')).rejects.toThrow('503 {"error":{"code":"engine-lost"');
    running.spawner.misfortune = undefined;
    await waitFor(async () =>
      expect((await ada.ask('GET', '/api/status')).json).toMatchObject({ labs: 'ready' }),
    );
    const again = await ada.terminal('one');
    await again.shows('before');
    await again.shows('output may be missing');
    again.type('echo kept-$KEPT\r');
    await again.shows('kept-yes');
  });

  it('tells a learner whose container died, and lets them start again', async () => {
    await using running = await testServer();
    const ada = await Learner.meet(running.url);
    await ada.ask('POST', '/api/labs/one/sandbox');
    const terminal = await ada.terminal('one');
    const [sandbox] = await running.spawner.list();
    running.spawner.kill(sandbox?.id ?? '', 'out-of-memory');
    expect(await terminal.closed).toEqual({
      code: TERMINAL_CLOSE.noSandbox,
      reason: 'This container ran out of memory and was stopped.',
    });
    expect((await ada.ask('GET', '/api/labs/one')).json).toMatchObject({ sandbox: null });
    expect((await ada.ask('POST', '/api/labs/one/sandbox')).status).toBe(201);
  });

  it('admits no more than fit, and no more than two labs a learner', async () => {
    await using running = await testServer({ environment: { SLIPWAY_CAPACITY: '3' } });
    const ada = await Learner.meet(running.url);
    const bob = await Learner.meet(running.url);
    for (const lab of ['one', 'two'])
      expect((await ada.ask('POST', `/api/labs/${lab}/sandbox`)).status).toBe(201);
    const third = await ada.ask('POST', '/api/labs/three/sandbox');
    expect([third.status, third.json]).toMatchObject([409, { error: { code: 'too-many-labs' } }]);
    expect((await bob.ask('POST', '/api/labs/one/sandbox')).status).toBe(201);
    const full = await bob.ask('POST', '/api/labs/two/sandbox');
    expect([full.status, full.json]).toMatchObject([503, { error: { code: 'out-of-capacity' } }]);
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('says that a start failed without telling how', async () => {
    await using running = await testServer({ paces: { startDeadlineMs: 50 } });
    const ada = await Learner.meet(running.url);
    for (const misfortune of ['full', 'never'] as const) {
      running.spawner.misfortune = misfortune;
      const { status, text } = await ada.ask('POST', '/api/labs/one/sandbox');
      expect(status).toBe(500);
      expect(text).toContain('"code":"internal"');
      expect(text).not.toContain('no space left');
    }
    running.spawner.misfortune = undefined;
    expect((await ada.ask('POST', '/api/labs/one/sandbox')).status).toBe(201);
  });
});
