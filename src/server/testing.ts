// For tests: a spawner without an engine, with misfortunes to ask for by name, and a small shell that really echoes.
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecOptions, ExecResult } from '../../grader/workplace.ts';
import {
  type Sandbox,
  SandboxGone,
  type SandboxSpec,
  type Shell,
  type Spawner,
  type TerminalSize,
} from '../engine/spawner.ts';
import { ShellProcess } from './testing-shell.ts';

/**
 * What goes wrong. `slow`: starts wait for `release()`. `never`: starts hang and heed no signal. `full`: starts fail,
 * the engine is fine. `broken`: the engine is away. `dies`: sandboxes stop by themselves as soon as they are up.
 */
export type Misfortune = 'slow' | 'never' | 'full' | 'broken' | 'dies';

type Died = Parameters<Parameters<Spawner['watch']>[0]>;

/** Plays an engine and its spawner. It outlives the servers that use it, as an engine does. */
export class FakeSpawner implements Spawner, AsyncDisposable {
  misfortune: Misfortune | undefined;
  /** How often `spawn` was called. */
  spawned = 0;
  readonly #sandboxes = new Map<string, FakeSandbox>();
  readonly #watchers = new Set<(...died: Died) => void>();
  readonly #held = new Set<() => void>();

  constructor(misfortune?: Misfortune) {
    this.misfortune = misfortune;
  }

  /** Lets starts that `slow` holds go on. */
  release(): void {
    for (const go of this.#held) go();
    this.#held.clear();
  }

  /** The container of a sandbox dies. */
  kill(sandboxId: string, cause: 'out-of-memory' | 'exited'): void {
    this.#sandboxes.get(sandboxId)?.die();
    this.#sandboxes.delete(sandboxId);
    for (const died of this.#watchers) died(sandboxId, cause);
  }

  /** The engine goes away: connections break, calls fail, until `misfortune` is taken back. */
  loseEngine(): void {
    this.misfortune = 'broken';
    for (const sandbox of this.#sandboxes.values()) sandbox.disconnect();
    for (const died of this.#watchers) died('', 'engine-lost');
  }

  /** A container that is removed behind everyone's back, while nobody watches. */
  lose(sandboxId: string): void {
    this.#sandboxes.get(sandboxId)?.die();
    this.#sandboxes.delete(sandboxId);
  }

  async spawn(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    this.spawned += 1;
    this.requireEngine();
    signal.throwIfAborted();
    const { misfortune } = this;
    if (misfortune === 'full') throw new Error('no space left on device');
    if (misfortune === 'never') return await new Promise<never>(() => {});
    if (misfortune === 'slow') {
      await new Promise<void>((resolve, reject) => {
        this.#held.add(resolve);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    const sandbox = new FakeSandbox(this, spec, () => this.#sandboxes.delete(sandbox.id));
    this.#sandboxes.set(sandbox.id, sandbox);
    if (misfortune === 'dies') setImmediate(() => this.kill(sandbox.id, 'exited'));
    return sandbox;
  }

  async list(): Promise<Sandbox[]> {
    this.requireEngine();
    return [...this.#sandboxes.values()];
  }

  watch(died: (...died: Died) => void): () => void {
    this.#watchers.add(died);
    return () => this.#watchers.delete(died);
  }

  requireEngine(): void {
    if (this.misfortune === 'broken') throw new Error('connect ECONNREFUSED /run/engine.sock');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.misfortune = undefined;
    for (const sandbox of this.#sandboxes.values()) await sandbox.remove();
  }
}

/** Everything a lifetime away: tests that care say otherwise. */
export function inOneHour(): Date {
  return new Date(Date.now() + 3_600_000);
}

/** A sandbox whose folder, commands and engine are this machine's own, in a temporary folder. */
class FakeSandbox implements Sandbox {
  readonly id = randomBytes(6).toString('hex');
  readonly startedAt = new Date();
  readonly learner: string;
  readonly lab: string;
  readonly expiresAt: Date;
  frozen = false;
  readonly #engine: FakeSpawner;
  readonly #removed: () => void;
  readonly #shells = new Map<string, ShellProcess>();
  readonly #connections = new Set<Duplex>();
  #dead = false;
  #home: string | undefined;
  #api: Server | undefined;

  constructor(engine: FakeSpawner, { learner, lab, expiresAt }: SandboxSpec, removed: () => void) {
    this.#engine = engine;
    this.#removed = removed;
    this.learner = learner;
    this.lab = lab;
    this.expiresAt = expiresAt;
  }

  async shell(name: string, size: TerminalSize): Promise<Shell> {
    this.#requireLife();
    let process = this.#shells.get(name);
    if (process === undefined || process.exited) {
      process = new ShellProcess();
      this.#shells.set(name, process);
    }
    return process.attach(size);
  }

  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#requireLife();
  }

  async freeze(): Promise<void> {
    this.#requireLife();
    this.frozen = true;
    this.disconnect();
    for (const shell of this.#shells.values()) shell.frozen = true;
  }

  async thaw(): Promise<void> {
    this.#requireLife();
    this.frozen = false;
    for (const shell of this.#shells.values()) shell.frozen = false;
  }

  async remove(): Promise<void> {
    this.#engine.requireEngine();
    this.die();
    this.#removed();
  }

  disconnect(): void {
    for (const shell of this.#shells.values()) shell.lose();
    for (const connection of this.#connections) connection.destroy(new Error('the sandbox went away'));
    this.#connections.clear();
  }

  die(): void {
    this.#dead = true;
    this.disconnect();
    this.#api?.close();
    if (this.#home !== undefined) rmSync(this.#home, { recursive: true, force: true });
    this.#home = undefined;
  }

  dial(): Duplex {
    const connection = connect(this.#engineSocket());
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
    return connection;
  }

  get folder(): string {
    const folder = join(this.#homeFolder(), 'project');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    this.#requireLife();
    const [command = 'true', ...rest] = argv;
    const child = spawn(command, rest, {
      cwd: options.cwd ?? this.folder,
      env: { ...process.env, ...options.env },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    child.stdin.end(options.input ?? '');
    const [stdout, stderr, exitCode] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) => resolve(code ?? 128));
      }),
    ]);
    return { exitCode, stdout, stderr, truncated: false };
  }

  async readTar(path: string): Promise<Readable> {
    this.#requireLife();
    const child = spawn('tar', ['-C', dirname(path), '-cf', '-', basename(path)]);
    return child.stdout;
  }

  async writeTar(folder: string, tar: Readable | Uint8Array): Promise<void> {
    this.#requireLife();
    const child = spawn('tar', ['-C', folder, '-xf', '-']);
    const done = new Promise((resolve) => child.once('close', resolve));
    if (tar instanceof Uint8Array) child.stdin.end(tar);
    else await pipeline(tar, child.stdin);
    await done;
  }

  canary(name: string): string {
    return createHmac('sha256', this.id).update(name).digest('hex').slice(0, 24);
  }

  #requireLife(): void {
    this.#engine.requireEngine();
    if (this.#dead) throw new SandboxGone('This sandbox is not there any more.');
  }

  #homeFolder(): string {
    this.#home ??= mkdtempSync(join(tmpdir(), 'slipway-fake-'));
    return this.#home;
  }

  #engineSocket(): string {
    const path = join(this.#homeFolder(), 'engine.sock');
    this.#api ??= createServer((request, response) => {
      response.statusCode = request.url === '/_ping' ? 200 : 404;
      response.end(request.url === '/_ping' ? 'OK' : '{"message":"page not found"}');
    }).listen(path);
    return path;
  }
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
