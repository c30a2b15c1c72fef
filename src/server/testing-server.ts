// For tests: a whole server on a port of its own, over a fake spawner, and learners who talk to it as a page would.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Check, CheckResult, Report } from '../../grader/check.ts';
import type { Lab, Task } from '../../grader/lab.ts';
import type { Spawner } from '../engine/spawner.ts';
import type { TerminalNotice, TerminalRequest } from '../protocol.ts';
import { type Config, readConfig } from './config.ts';
import type { Grade } from './grading.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';
import { openStore } from './store.ts';
import { FakeSpawner } from './testing.ts';

/** How long a test waits for what it expects, which comes within milliseconds. */
export const SOON_MS = 5_000;

function task(id: string, points: number, checkIds: readonly string[]): Task {
  const hints = [`${id}: look`, `${id}: think`, `${id}: nearly`] as const;
  return { id, title: `Task ${id}`, points, hints, checks: checkIds.map((checkId) => check(checkId)) };
}

function check(id: string): Check {
  return {
    id,
    title: `It is ${id}`,
    needs: [],
    cost: 'inspect',
    exclusive: [],
    disruptive: false,
    timeoutMs: 1000,
    probe: async () => undefined,
    judge: () => ({ status: 'pass' }),
  };
}

function lab(id: string): Lab {
  return {
    id,
    title: id,
    goal: 'A goal.',
    minutes: 10,
    lesson: 'dockerfiles',
    images: [],
    tasks: [task('build', 10, ['image.exists', 'image.small']), task('run', 5, ['container.up'])],
    mutants: [],
  };
}

/** Three labs with two tasks each: `build` (10 points) and `run` (5). */
export const LABS: ReadonlyMap<string, Lab> = new Map(['one', 'two', 'three'].map((id) => [id, lab(id)]));

/** A grader that says of each check what `statuses` says; what is not named passes. */
export function fakeGrade(statuses: Readonly<Record<string, CheckResult['status']>> = {}): Grade {
  return async (lab, _workplace, { tasks, onResult, signal }) => {
    const results: CheckResult[] = [];
    const asked = lab.tasks.filter(({ id }) => tasks === undefined || tasks.includes(id));
    for (const { id: taskId, checks } of asked) {
      for (const { id, title } of checks) {
        signal?.throwIfAborted();
        const status = statuses[id] ?? 'pass';
        const wrong = status === 'fail' ? { expected: 'this', actual: 'that', misconception: 'MC-01' } : {};
        const result: CheckResult = { id, task: taskId, title, status, evidence: [], ms: 1, ...wrong };
        results.push(result);
        onResult?.(result);
      }
    }
    const report: Report = {
      lab: lab.id,
      tasks: asked.map(({ id, points }) => {
        const passed = results.every((result) => result.task !== id || result.status === 'pass');
        return { id, passed, points: passed ? points : 0 };
      }),
      points: 0,
      of: 15,
      results,
      ms: 3,
    };
    return report;
  };
}

export interface TestServer<Engine extends Spawner = FakeSpawner> extends AsyncDisposable {
  readonly server: Server;
  readonly spawner: Engine;
  readonly url: string;
  readonly config: Config;
  /** Stops this server and starts another on the same data and the same engine. */
  restart(): Promise<TestServer<Engine>>;
}

interface TestServerOptions extends Partial<ServerOptions> {
  readonly environment?: Record<string, string>;
}

/** A server that listens on a free port, its labs ready: over a fake engine unless it is given a spawner. */
export function testServer(options?: TestServerOptions): Promise<TestServer>;
export function testServer<Engine extends Spawner>(
  options: TestServerOptions & { readonly spawner: Engine },
): Promise<TestServer<Engine>>;
export async function testServer(
  options: TestServerOptions & { readonly spawner?: Spawner } = {},
): Promise<TestServer<Spawner>> {
  const { environment, spawner = new FakeSpawner(), ...rest } = options;
  const dataFolder = environment?.SLIPWAY_DATA ?? mkdtempSync(join(tmpdir(), 'slipway-server-'));
  const config = readConfig({
    SLIPWAY_PORT: '0',
    SLIPWAY_CAPACITY: '10',
    SLIPWAY_LOG: 'silent',
    ...environment,
    SLIPWAY_DATA: dataFolder,
  });
  const store = openStore(join(dataFolder, 'slipway.db'));
  const server = await createServer({ config, store, labs: LABS, grade: fakeGrade(), ...rest });
  let kept = false;
  const stop = async () => {
    await server.close();
    await store.close();
  };
  const url = await server.listen().catch(async (error: unknown) => {
    await stop();
    rmSync(dataFolder, { recursive: true, force: true });
    throw error;
  });
  await server.labsAre({ state: 'ready', spawner, isolation: 'userns' });
  return {
    server,
    spawner,
    url,
    config,
    async restart() {
      kept = true;
      await stop();
      return await testServer({
        ...options,
        spawner,
        environment: { ...environment, SLIPWAY_DATA: dataFolder },
      });
    },
    async [Symbol.asyncDispose]() {
      if (kept) return;
      await stop();
      if (spawner instanceof FakeSpawner) spawner.misfortune = undefined;
      await Promise.all((await spawner.list()).map((sandbox) => sandbox.remove()));
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/** One browser: it keeps its cookie and says where it comes from. */
export class Learner {
  cookie: string;
  readonly url: string;

  constructor(url: string, cookie: string) {
    this.url = url;
    this.cookie = cookie;
  }

  /** Meets the server for the first time. */
  static async meet(url: string): Promise<Learner> {
    const answer = await fetch(`${url}/api/me`);
    return new Learner(url, answer.headers.get('set-cookie')?.split(';')[0] ?? '');
  }

  /** The same browser, when the server has moved to another port. */
  at(url: string): Learner {
    return new Learner(url, this.cookie);
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        cookie: this.cookie,
        origin: this.url,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: parseJson(text) };
  }

  async terminal(
    lab: string,
    options: { shell?: string; cols?: number; rows?: number; acks?: boolean } = {},
  ) {
    const { shell = '1', cols = 80, rows = 24, acks = true } = options;
    const socket = new WebSocket(
      `${this.url.replace('http', 'ws')}/api/terminal?lab=${lab}&shell=${shell}&cols=${cols}&rows=${rows}`,
      { headers: { cookie: this.cookie, origin: this.url } },
    );
    return await TestTerminal.open(socket, acks);
  }
}

/** A page's end of a terminal: collects what it is sent and acknowledges it, unless told not to. */
export class TestTerminal {
  readonly socket: WebSocket;
  readonly notices: TerminalNotice[] = [];
  /** What came since the last replay notice. */
  output = Buffer.alloc(0);
  /** All bytes that came, ever. */
  received = 0;
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(socket: WebSocket, acks: boolean) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
      if (!isBinary) {
        const notice: TerminalNotice = JSON.parse(bytes.toString());
        if (notice.type === 'replay') this.output = Buffer.alloc(0);
        this.notices.push(notice);
        return;
      }
      this.output = Buffer.concat([this.output.subarray(-1_000_000), bytes]);
      this.received += bytes.length;
      if (acks) this.send({ type: 'ack', bytes: this.received });
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on('error', () => {});
  }

  /** Opens it; rejects with the status and the problem of a refusal. */
  static async open(socket: WebSocket, acks = true): Promise<TestTerminal> {
    const terminal = new TestTerminal(socket, acks);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          reject(new Error(`${response.statusCode} ${Buffer.concat(chunks).toString()}`)),
        );
      });
    });
    return terminal;
  }

  send(request: TerminalRequest): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  type(text: string): void {
    this.socket.send(Buffer.from(text));
  }

  async shows(expected: string): Promise<void> {
    await vi.waitFor(() => expect(this.output.toString()).toContain(expected), {
      timeout: SOON_MS,
      interval: 5,
    });
  }

  async hears(type: TerminalNotice['type']): Promise<void> {
    await vi.waitFor(() => expect(this.notices.map((notice) => notice.type)).toContain(type), {
      timeout: SOON_MS,
      interval: 5,
    });
  }

  async leave(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not every answer is JSON; the test that expects it will say so.
    return undefined;
  }
}
