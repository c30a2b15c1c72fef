import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { borrowEngineClient, type EngineClient, engineClient } from './engine-client.ts';
import type { Workplace } from './workplace.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An engine that answers as it is told, on a socket of its own, and a client on it. */
async function engine(
  answer: Answer,
  version = '1.45',
): Promise<
  {
    client: EngineClient;
    workplace: Pick<Workplace, 'dial'>;
    asked: string[];
    dials(): number;
  } & AsyncDisposable
> {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'));
  const socket = join(folder, 'docker.sock');
  const asked: string[] = [];
  let dials = 0;
  const server = createServer((request, response) => {
    if (request.url === '/version') {
      response.end(JSON.stringify({ ApiVersion: version }));
      return;
    }
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const workplace = {
    dial: () => {
      dials += 1;
      return connect(socket);
    },
  };
  const client = engineClient(workplace);
  return {
    client,
    workplace,
    asked,
    dials: () => dials,
    [Symbol.asyncDispose]: async () => {
      client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

test('asks in the engine’s version of the API, but never in a newer one than it was written for', async () => {
  await using older = await engine((_request, response) => response.end('{}'), '1.45');
  await older.client.call('GET', '/info');
  expect(older.asked).toEqual(['GET /v1.45/info']);
  await using newer = await engine((_request, response) => response.end('{}'), '1.60');
  await newer.client.call('GET', '/info');
  expect(newer.asked).toEqual(['GET /v1.47/info']);
});

test('answers many questions over two connections', async () => {
  await using one = await engine((_request, response) => response.end('[1]'));
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => one.client.call('GET', '/containers/json')),
  );
  expect(answers).toHaveLength(40);
  expect(one.dials()).toBe(2);
});

test('a refusal says what was asked, the status and the engine’s own words', async () => {
  await using one = await engine((_request, response) => {
    response.statusCode = 409;
    response.end('{"message":"it is running"}');
  });
  await expect(one.client.call('DELETE', '/containers/x')).rejects.toMatchObject({
    name: 'EngineRefused',
    status: 409,
    reason: 'it is running',
    message: 'The engine answered DELETE /containers/x with 409: it is running',
  });
});

test('an accepted status is an answer: there is none', async () => {
  await using one = await engine((_request, response) => {
    response.statusCode = 404;
    response.end('{"message":"no such image"}');
  });
  expect(await one.client.call('GET', '/images/x/json', { accept: [404] })).toBeUndefined();
});

test('gives up on an answer that never ends', async () => {
  await using one = await engine((_request, response) => {
    const more = () => {
      while (response.write('x'.repeat(64 * 1024)));
      response.once('drain', more);
    };
    more();
  });
  await expect(one.client.call('GET', '/info')).rejects.toThrow('larger than 8388608 bytes');
  expect(await one.client.bytes('/logs', { mostBytes: 1_000 })).toHaveLength(1_000);
});

test('gives up on an answer that never begins', async () => {
  await using one = await engine(() => undefined);
  await expect(one.client.call('GET', '/info', { deadlineMs: 50 })).rejects.toThrow(
    'no answer within 0.05 s',
  );
});

test('a signal ends a call that waits, and a stream', async () => {
  await using one = await engine((request, response) => {
    if (request.url?.endsWith('/events')) response.write('{"first":1}\n');
  });
  const stop = new AbortController();
  const waits = expect(
    one.client.call('POST', '/containers/x/wait', { signal: stop.signal }),
  ).rejects.toThrow('seen enough');
  const events = await one.client.stream('GET', '/events', { signal: stop.signal });
  const followed = (async () => {
    for await (const _chunk of events) stop.abort(new Error('seen enough'));
  })();
  await expect(followed).rejects.toThrow();
  await waits;
});

test('closing ends every call in flight', async () => {
  await using one = await engine(() => undefined);
  const waits = expect(one.client.call('GET', '/info')).rejects.toThrow('the connection was closed');
  await expect.poll(() => one.asked.length).toBe(1);
  one.client.close();
  await waits;
});

test('an answer that is not JSON is trouble, and does not hold the next call up', async () => {
  await using one = await engine((request, response) =>
    response.end(request.url?.endsWith('/bad') ? '<html>' : '{"fine":true}'),
  );
  await expect(one.client.call('GET', '/bad')).rejects.toThrow();
  expect(await one.client.call('GET', '/good')).toEqual({ fine: true });
});

test('a client that is borrowed again after it was given back needs no new connection', async () => {
  await using one = await engine((_request, response) => response.end('{}'));
  const { workplace } = one;
  const first = borrowEngineClient(workplace);
  await first.call('GET', '/info');
  first.close();
  const second = borrowEngineClient(workplace);
  await second.call('GET', '/info');
  second.close();
  expect(one.dials()).toBe(1);
});
