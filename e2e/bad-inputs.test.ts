import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { testDataFolder } from '../src/engine/testing.ts';
import type { Problem } from '../src/protocol.ts';
import { launchChromium, openPage, startLab } from './browser.ts';
import { type Slipway, startSlipway } from './slipway.ts';

const LAB = 'etl-dockerfile';

let browser: Browser;
let slipway: Slipway;
beforeAll(async () => {
  [browser, slipway] = await Promise.all([launchChromium(), startSlipway()]);
});
afterAll(async () => {
  await browser.close();
  await slipway[Symbol.asyncDispose]();
});

/** A learner without a browser: a cookie, and requests with it. */
async function learner() {
  const me = await fetch(`${slipway.url}/api/me`);
  const cookie = (me.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(slipway.url + path, {
      method,
      headers: {
        cookie,
        origin: slipway.url,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, text, problem: () => (JSON.parse(text) as Problem).error };
  };
  const terminal = (headers: Record<string, string> = {}) =>
    new WebSocket(`${slipway.url.replace('http', 'ws')}/api/terminal?lab=${LAB}&shell=1&cols=80&rows=24`, {
      headers: { cookie, origin: slipway.url, ...headers },
    });
  return { ask, terminal, cookie };
}

const refusal = async (socket: WebSocket) => {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  return response.statusCode;
};

describe('what is not there or not allowed is a clear sentence', () => {
  test('an unknown lab', async () => {
    const { ask } = await learner();
    const answer = await ask('POST', '/api/labs/no-such-lab/sandbox');
    expect(answer.status).toBe(404);
    expect(answer.problem()).toMatchObject({ code: 'no-such-lab' });
    expect(answer.problem().message).toContain('no lab of this name');
  });

  test('a start from another origin', async () => {
    const { ask } = await learner();
    const answer = await ask('POST', `/api/labs/${LAB}/sandbox`, undefined, {
      origin: 'https://elsewhere.example',
    });
    expect(answer.status).toBe(403);
    expect(answer.problem().code).toBe('wrong-origin');
  });

  test('a check with a body that is no check', async () => {
    const { ask } = await learner();
    const answer = await ask('POST', `/api/labs/${LAB}/check`, { task: { $ne: 1 } });
    expect(answer.status).toBe(400);
    expect(answer.problem().code).toBe('bad-request');
  });

  test('a body that is too large', async () => {
    const { ask } = await learner();
    const answer = await ask('POST', `/api/labs/${LAB}/hint`, { task: 'x'.repeat(200_000), level: 1 });
    expect([400, 413]).toContain(answer.status);
    expect(answer.problem().message).not.toBe('');
  });

  test('a check without a sandbox', async () => {
    const { ask } = await learner();
    const answer = await ask('POST', `/api/labs/${LAB}/check`, {});
    expect(answer.problem().code).toBe('no-sandbox');
  });
});

test('a second start while one is under way shares it: one sandbox, not two', async () => {
  const { ask } = await learner();
  const answers = await Promise.all([1, 2, 3].map(() => ask('POST', `/api/labs/${LAB}/sandbox`)));
  expect(answers.every(({ status }) => status === 200 || status === 201)).toBe(true);
  expect(new Set(answers.map(({ text }) => (JSON.parse(text) as { id: string }).id)).size).toBe(1);
  expect((await ask('DELETE', `/api/labs/${LAB}/sandbox`)).status).toBe(204);
});

describe('with a sandbox of one’s own', () => {
  let owner: Awaited<ReturnType<typeof learner>>;
  beforeAll(async () => {
    owner = await learner();
    await owner.ask('POST', `/api/labs/${LAB}/sandbox`);
  });
  afterAll(async () => {
    await owner.ask('DELETE', `/api/labs/${LAB}/sandbox`);
  });

  /** Attaches and resolves with what the shell said, until it says `expected`. */
  async function says(socket: WebSocket, expected: string): Promise<string> {
    let said = '';
    return await new Promise((resolve, reject) => {
      socket.on('close', (code, reason) => reject(new Error(`closed with ${code} ${reason}: ${said}`)));
      socket.on('message', (data: Buffer, isBinary) => {
        if (!isBinary) return;
        said += data.toString('utf8');
        if (said.includes(expected)) resolve(said);
      });
    });
  }

  test('a terminal socket from another origin, from none, or without a cookie is refused', async () => {
    expect(await refusal(owner.terminal({ origin: 'https://elsewhere.example' }))).toBe(403);
    expect(await refusal(owner.terminal({ origin: '' }))).toBe(403);
    expect(await refusal(owner.terminal({ cookie: '' }))).toBeGreaterThanOrEqual(401);
  });

  test('another learner’s cookie opens no terminal of mine, and a forged one none at all', async () => {
    const stranger = await learner();
    const closed = stranger.terminal();
    const outcome = await Promise.race([
      refusal(closed),
      once(closed, 'close').then(([code]) => code as number),
    ]);
    expect([404, 4404]).toContain(outcome);
    const forged = owner.cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    expect(await refusal(owner.terminal({ cookie: forged }))).toBeGreaterThanOrEqual(401);
  });

  test.each([
    ['malformed', (socket: WebSocket) => socket.send('{"type":"resize","cols":')],
    ['of an unknown kind', (socket: WebSocket) => socket.send('{"type":"reboot"}')],
    ['out of range', (socket: WebSocket) => socket.send('{"type":"resize","cols":100000,"rows":1}')],
    ['oversized', (socket: WebSocket) => socket.send(Buffer.alloc(1024 * 1024))],
  ])('a frame that is %s closes the socket with a reason, and the shell lives on', async (_what, send) => {
    const socket = owner.terminal();
    await once(socket, 'open');
    socket.send(Buffer.from('echo alive-$((1+1))\r'));
    await says(socket, 'alive-2');
    const closing = once(socket, 'close') as Promise<[number, Buffer]>;
    send(socket);
    const [code, reason] = await closing;
    expect([4400, 1009]).toContain(code);
    if (code === 4400) expect(reason.toString()).not.toBe('');
    const again = owner.terminal();
    await once(again, 'open');
    again.send(Buffer.from('echo again-$((2+2))\r'));
    await says(again, 'again-4');
    again.close();
  });
});

test('the engine killed in the middle of a lab: the page says so, and then the same shell goes on', async () => {
  await using opened = await openPage(browser);
  const { page } = opened;
  const terminal = await startLab(page, slipway.url, LAB);
  await terminal.ask('KEPT=treasure; echo before-$((40+2))', 'before-42');
  process.kill(Number(readFileSync(join(testDataFolder(), 'engine/docker.pid'), 'utf8')), 'SIGKILL');
  await expect
    .poll(() => page.locator('[data-strip]').innerText(), { timeout: 10_000 })
    .toMatch(/interrupted|engine/i);
  await expect.poll(() => page.locator('[data-strip]').isVisible(), { timeout: 40_000 }).toBe(false);
  await terminal.ask('echo after-$KEPT; docker info --format {{.ServerVersion}}', /after-treasure\n26\./);
  await terminal.shows('before-42');
});

test('a wrong value in the environment ends the start with one sentence', async () => {
  await expect(startSlipway({ env: { SLIPWAY_ENGINE: 'tcp://127.0.0.1:2375' } })).rejects.toThrow(
    /SLIPWAY_ENGINE should be .*unix:\/\/\/var\/run\/docker\.sock, but it is "tcp:/,
  );
});

test('a page of a learner who has no sandbox any more says so and offers a new one', async () => {
  await using opened = await openPage(browser);
  await startLab(opened.page, slipway.url, LAB);
  const cookies = await opened.context.cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  // Ended from another tab.
  const ended = await fetch(`${slipway.url}/api/labs/${LAB}/sandbox`, {
    method: 'DELETE',
    headers: { cookie, origin: slipway.url },
  });
  expect(ended.status).toBe(204);
  await opened.page.getByRole('button', { name: /^Start/ }).waitFor();
  expect(await opened.page.locator('[data-berth]').innerText()).toMatch(/ended/i);
});
