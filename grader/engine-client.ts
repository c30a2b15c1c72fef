// The grader's way to an engine: the Docker API over connections that a workplace dials, each call bounded and abortable.
import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { inspect } from 'node:util';
import { z } from 'zod';
import type { Workplace } from './workplace.ts';

/** The newest API these requests were written for; an engine that only knows an older one is asked in that. */
const NEWEST_API: readonly [number, number] = [1, 47];
/**
 * Connections for questions, all kept open. A dial starts a process beside the engine and costs 40 ms, a question over a
 * kept one 0.6 ms: twenty at once are answered sooner over two connections than over six.
 */
const ASKING_CONNECTIONS = 2;
/** Connections for calls that change something, which may take seconds each. */
const DOING_CONNECTIONS = 6;
/** How many of those stay open between calls. */
const DOING_CONNECTIONS_KEPT = 2;
/** Largest JSON answer: a container's inspect is 10 kB, a forged one may be endless. */
const ANSWER_MOST_BYTES = 8 * 1024 * 1024;
/** How long one ordinary call may take; a healthy engine answers in milliseconds, a removal in seconds. */
const CALL_DEADLINE_MS = 30_000;

/** The engine answered a call with a status that the call did not expect. */
export class EngineRefused extends Error {
  override readonly name = 'EngineRefused';
  readonly status: number;
  /** The engine's own words. */
  readonly reason: string;
  constructor(status: number, call: string, reason: string) {
    super(`The engine answered ${call} with ${status}: ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | object>>;
  /** Sent as JSON, unless it is bytes: those are sent as a tar. */
  readonly body?: object | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** Statuses besides 2xx that are answers and not trouble; their call resolves with `undefined`. */
  readonly accept?: readonly number[];
  readonly deadlineMs?: number;
}

export interface EngineClient {
  /** Makes a call and parses its JSON answer; `undefined` for an empty answer or an accepted status. */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD',
    path: string,
    options?: CallOptions,
  ): Promise<unknown>;
  /** Makes a GET and gives the first `mostBytes` of its answer, whatever they are. */
  bytes(path: string, options: CallOptions & { mostBytes: number }): Promise<Buffer>;
  /** Makes a call on a connection of its own and gives the raw answer, which ends when the engine ends it. No deadline but the signal. */
  stream(
    method: 'GET' | 'POST',
    path: string,
    options: CallOptions & { signal: AbortSignal },
  ): Promise<IncomingMessage>;
  /** Destroys every connection; calls in flight reject. */
  close(): void;
}

/** Opens a client on a workplace. Nothing is dialled before the first call. */
export function engineClient(workplace: Pick<Workplace, 'dial'>): EngineClient {
  const dial = () => workplace.dial();
  const asking = new DialAgent(dial, { keepAlive: true, maxSockets: ASKING_CONNECTIONS });
  const doing = new DialAgent(dial, {
    keepAlive: true,
    maxSockets: DOING_CONNECTIONS,
    maxFreeSockets: DOING_CONNECTIONS_KEPT,
  });
  const closed = new AbortController();
  let version: Promise<string> | undefined;

  async function send(
    method: string,
    path: string,
    options: CallOptions,
    own: boolean,
  ): Promise<IncomingMessage> {
    const search = new URLSearchParams(
      Object.entries(options.query ?? {}).map(([key, value]) => [
        key,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
    );
    const isTar = options.body instanceof Uint8Array;
    const body = options.body === undefined ? undefined : isTar ? options.body : JSON.stringify(options.body);
    const query = search.size === 0 ? '' : `?${search}`;
    return await new Promise<IncomingMessage>((resolve, reject) => {
      let outgoing: ClientRequest;
      try {
        outgoing = request({
          agent: own ? new DialAgent(dial, { keepAlive: false }) : method === 'GET' ? asking : doing,
          host: 'engine',
          method,
          path: `${path}${query}`,
          signal: AbortSignal.any([closed.signal, ...(options.signal === undefined ? [] : [options.signal])]),
          headers: {
            ...(body === undefined
              ? {}
              : { 'content-type': isTar ? 'application/x-tar' : 'application/json' }),
            ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          },
        });
      } catch (error) {
        reject(error);
        return;
      }
      outgoing.once('response', resolve);
      outgoing.once('error', (cause) => {
        const reason = options.signal?.aborted ? options.signal.reason : (closed.signal.reason ?? cause);
        reject(
          new Error(`The engine did not answer ${method} ${path}: ${messageOf(reason)}`, { cause: reason }),
        );
      });
      outgoing.end(body);
    });
  }

  async function versioned(path: string): Promise<string> {
    version ??= negotiate().catch((error: unknown) => {
      version = undefined;
      throw error;
    });
    return `/v${await version}${path}`;
  }

  async function negotiate(): Promise<string> {
    const answer = await send('GET', '/version', {}, false);
    const facts = z
      .object({ ApiVersion: z.string().regex(/^\d+\.\d+$/) })
      .parse(JSON.parse(await textOf(answer)));
    const [major, minor] = facts.ApiVersion.split('.').map(Number) as [number, number];
    const older = major < NEWEST_API[0] || (major === NEWEST_API[0] && minor < NEWEST_API[1]);
    return older ? facts.ApiVersion : NEWEST_API.join('.');
  }

  /** Makes a call over a kept connection and reads its answer, all within its deadline. */
  async function answered<T>(
    method: string,
    path: string,
    options: CallOptions,
    read: (answer: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    const deadlineMs = options.deadlineMs ?? CALL_DEADLINE_MS;
    // A real timer: one that does not hold the process would let it end in the middle of a call.
    const timer = setTimeout(
      () => stop.abort(new Error(`no answer within ${deadlineMs / 1000} s`)),
      deadlineMs,
    );
    const signal =
      options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
    try {
      return await read(await send(method, await versioned(path), { ...options, signal }, false));
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    call: (method, path, options = {}) =>
      answered(method, path, options, async (answer) => {
        const text = await textOf(answer);
        const status = answer.statusCode ?? 0;
        if (options.accept?.includes(status)) return undefined;
        if (status < 200 || status > 299) throw refusal(method, path, status, text);
        return text === '' ? undefined : lastJson(text);
      }),

    bytes: (path, options) =>
      answered('GET', path, options, async (answer) => {
        const status = answer.statusCode ?? 0;
        if (status < 200 || status > 299) throw refusal('GET', path, status, await textOf(answer));
        const chunks: Buffer[] = [];
        let size = 0;
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          chunks.push(chunk);
          size += chunk.length;
          if (size >= options.mostBytes) break;
        }
        return Buffer.concat(chunks).subarray(0, options.mostBytes);
      }),

    async stream(method, path, options) {
      const answer = await send(method, await versioned(path), options, true);
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status <= 299) return answer;
      throw refusal(method, path, status, await textOf(answer));
    },

    close() {
      closed.abort(new Error('the connection was closed'));
      asking.destroy();
      doing.destroy();
    },
  };
}

/** How long a returned client keeps its connections for the next grade of the same workplace, in ms. */
const KEPT_MS = 20_000;

const kept = new WeakMap<object, { client: EngineClient; borrowers: number; timer?: NodeJS.Timeout }>();

/**
 * A client that several grades of one workplace share, one after the other or at once: the first dial, 40 ms, is paid once.
 * `close` gives it back; connections that nobody takes up again are destroyed a little later.
 */
export function borrowEngineClient(workplace: Pick<Workplace, 'dial'>): EngineClient {
  const lent = kept.get(workplace) ?? { client: engineClient(workplace), borrowers: 0 };
  kept.set(workplace, lent);
  lent.borrowers += 1;
  clearTimeout(lent.timer);
  let isBack = false;
  return {
    ...lent.client,
    close() {
      if (isBack) return;
      isBack = true;
      lent.borrowers -= 1;
      if (lent.borrowers > 0) return;
      lent.timer = setTimeout(() => {
        kept.delete(workplace);
        lent.client.close();
      }, KEPT_MS).unref();
    },
  };
}

function refusal(method: string, path: string, status: number, text: string): EngineRefused {
  let message = text.slice(0, 500);
  try {
    message = z.object({ message: z.string() }).parse(JSON.parse(text)).message.slice(0, 500);
  } catch {
    // Not the engine's usual form: the text itself says it best.
  }
  return new EngineRefused(status, `${method} ${path}`, message.trim());
}

/** Some calls answer with several JSON lines, of which the last tells the outcome. */
function lastJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const last = text.trim().split('\n').at(-1) ?? '';
    return JSON.parse(last);
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  return (await bytesOf(answer, ANSWER_MOST_BYTES)).toString('utf8');
}

/** Reads a stream whole; rejects, and destroys it, once it is larger than allowed. */
export async function bytesOf(stream: Readable, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) {
      stream.destroy();
      throw new Error(`The engine's answer is larger than ${mostBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

/** Lets node's HTTP speak over dialled pipes, which are no network sockets and lack their options. */
class DialAgent extends Agent {
  readonly #dial: () => Duplex;

  constructor(dial: () => Duplex, options: AgentOptions) {
    super(options);
    this.#dial = dial;
  }

  override createConnection(): Duplex {
    // node's HTTP sets these on each connection it keeps; a pipe has nothing to set.
    const pipe = this.#dial();
    if (pipe instanceof Socket) return pipe;
    return Object.assign(pipe, {
      setKeepAlive: () => undefined,
      setNoDelay: () => undefined,
      setTimeout: () => undefined,
      ref: () => undefined,
      unref: () => undefined,
    });
  }

  /** Whoever prints a request prints its agent: this keeps it from walking through every pipe. */
  [inspect.custom](): string {
    return 'DialAgent';
  }
}
