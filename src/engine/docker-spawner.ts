// Spawner over the outer Engine API: labels say whose a sandbox is, the archive and exec calls reach into it.
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import type { ExecOptions, ExecResult } from '../../grader/workplace.ts';
import { attachShell, type DockerShell } from './docker-shell.ts';
import { packFolder } from './folder-tar.ts';
import type { ContainerFacts, OuterEngine } from './outer-engine.ts';
import type { SandboxHost } from './sandbox-host.ts';
import {
  type Sandbox,
  SandboxGone,
  type SandboxSpec,
  type Shell,
  type Spawner,
  type TerminalSize,
} from './spawner.ts';

/** Where the learner's project lies in the sandbox. */
const PROJECT_FOLDER = '/root/lab';
/** Marks every container of one Slipway; the value tells instances that share an engine apart. */
export const INSTANCE_LABEL = 'slipway.instance';
const LABELS = {
  id: 'slipway.id',
  learner: 'slipway.learner',
  lab: 'slipway.lab',
  startedAt: 'slipway.started-at',
  expiresAt: 'slipway.expires-at',
  /** Set apart from the state: a container that died before this appears in no list of living ones, as it never became one. */
  isolation: 'slipway.isolation',
} as const;

export interface DockerSpawnerOptions {
  readonly host: SandboxHost;
  readonly image: string;
  readonly seedVolume: string;
  readonly instance: string;
  /** Folder whose `<lab>/start` is put into the learner's project folder. */
  readonly labsFolder: string;
  /** Canaries are derived from it: the same for a sandbox after a restart of the server, unguessable for its learner. */
  readonly canaryKey: Uint8Array;
}

export class DockerSpawner implements Spawner {
  readonly #options: DockerSpawnerOptions;
  readonly #alive = new Map<string, DockerSandbox>();

  constructor(options: DockerSpawnerOptions) {
    this.#options = options;
  }

  async spawn(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted();
    const id = randomBytes(8).toString('hex');
    const startedAt = new Date();
    const containerId = await this.#options.host.start({
      name: `slipway-${id}`,
      image: this.#options.image,
      labels: {
        [INSTANCE_LABEL]: this.#options.instance,
        [LABELS.id]: id,
        [LABELS.learner]: spec.learner,
        [LABELS.lab]: spec.lab,
        [LABELS.startedAt]: startedAt.toISOString(),
        [LABELS.expiresAt]: spec.expiresAt.toISOString(),
        [LABELS.isolation]: this.#options.host.isolation,
      },
      binds: [`${this.#options.seedVolume}:/seed:ro`],
      env: {},
      network: 'none',
      limits: 'sandbox',
    });
    const sandbox = this.#sandbox(containerId, id, spec, startedAt);
    try {
      await sandbox.furnish(join(this.#options.labsFolder, spec.lab, 'start'), signal);
      signal.throwIfAborted();
    } catch (error) {
      await sandbox.remove();
      throw error;
    }
    return sandbox;
  }

  async list(): Promise<Sandbox[]> {
    const label = `${INSTANCE_LABEL}=${this.#options.instance}`;
    const containers = await this.#options.host.engine.containersLabelled([label]);
    const living: Sandbox[] = [];
    for (const container of containers) {
      const read = readLabels(container);
      const alive = container.state === 'running' || container.state === 'paused';
      if (read !== undefined && alive)
        living.push(this.#sandbox(container.id, read.id, read.spec, read.startedAt));
      else await this.#options.host.engine.removeContainer(container.id);
    }
    return living;
  }

  watch(died: (sandboxId: string, cause: 'out-of-memory' | 'exited' | 'engine-lost') => void): () => void {
    const stop = new AbortController();
    const starved = new Set<string>();
    const follow = async (): Promise<void> => {
      const label = `${INSTANCE_LABEL}=${this.#options.instance}`;
      await this.#options.host.engine.followContainers(
        label,
        stop.signal,
        (event) => {
          const id = event.labels[LABELS.id];
          if (id === undefined) return;
          // An `oom` alone is no death: the kernel may have taken one of the learner's processes and left the engine.
          if (event.action === 'oom') starved.add(id);
          if (event.action !== 'die' || !this.#alive.delete(id)) return;
          died(id, starved.delete(id) ? 'out-of-memory' : 'exited');
        },
        () => {
          for (const id of this.#alive.keys()) died(id, 'engine-lost');
          again();
        },
      );
    };
    /** How long after a lost engine to ask again, in ms. */
    const RETRY_MS = 500;
    const again = () => {
      if (stop.signal.aborted) return;
      // Not answering is what we are waiting out; the next turn asks again.
      setTimeout(() => follow().catch(again), RETRY_MS).unref();
    };
    follow().catch(again);
    return () => stop.abort();
  }

  #sandbox(containerId: string, id: string, spec: SandboxSpec, startedAt: Date): DockerSandbox {
    const canaryKey = createHmac('sha256', this.#options.canaryKey).update(`sandbox:${id}`).digest();
    const sandbox = new DockerSandbox(
      { host: this.#options.host, containerId, canaryKey, forget: () => this.#alive.delete(id) },
      { id, startedAt, ...spec },
    );
    this.#alive.set(id, sandbox);
    return sandbox;
  }
}

interface SandboxMeans {
  readonly host: SandboxHost;
  readonly containerId: string;
  readonly canaryKey: Uint8Array;
  forget(): void;
}

class DockerSandbox implements Sandbox {
  readonly id: string;
  readonly learner: string;
  readonly lab: string;
  readonly startedAt: Date;
  readonly expiresAt: Date;
  readonly folder = PROJECT_FOLDER;
  readonly #means: SandboxMeans;
  readonly #engine: OuterEngine;
  readonly #dials = new Set<Duplex>();
  readonly #shells = new Set<DockerShell>();

  constructor(means: SandboxMeans, facts: SandboxSpec & { id: string; startedAt: Date }) {
    this.#means = means;
    this.#engine = means.host.engine;
    this.id = facts.id;
    this.learner = facts.learner;
    this.lab = facts.lab;
    this.startedAt = facts.startedAt;
    this.expiresAt = facts.expiresAt;
  }

  /** Puts the lab's start files in and runs its `start.sh` once the engine answers. */
  async furnish(startFolder: string, signal: AbortSignal): Promise<void> {
    const script = join(startFolder, 'start.sh');
    const files = existsSync(startFolder)
      ? this.writeTar('/root', packFolder(startFolder, 'lab', this.startedAt))
      : Promise.resolve();
    await Promise.all([files, this.ready(signal)]);
    if (!existsSync(script)) return;
    const text = readFileSync(script, 'utf8');
    const env: Record<string, string> = {};
    for (const [variable, name] of text.matchAll(/CANARY_([A-Z][A-Z0-9_]*)/g))
      env[variable] = this.canary(name ?? '');
    const outcome = await this.exec(['bash', '-c', 'rm -f start.sh; exec bash -eu -s'], {
      input: text,
      env,
      signal,
    });
    if (outcome.exitCode !== 0) {
      const words = (outcome.stdout + outcome.stderr).trim().slice(-1_500);
      throw new Error(`start.sh of lab ${this.lab} ended with ${outcome.exitCode}: ${words}`);
    }
  }

  async shell(name: string, size: TerminalSize): Promise<Shell> {
    await this.#expectRunning();
    const shell = await attachShell(this.#engine, this.#means.containerId, name, size);
    this.#shells.add(shell);
    void shell.ended.then(() => this.#shells.delete(shell));
    return shell;
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await this.#means.host.ready(this.#means.containerId, signal);
  }

  dial(): Duplex {
    // Without the short wait, socat goes on for half a second after the engine has closed its side.
    const pipe = this.#engine.pipe(this.#means.containerId, [
      'socat',
      '-t',
      '0.05',
      '-',
      'UNIX-CONNECT:/var/run/docker.sock',
    ]);
    this.#dials.add(pipe);
    pipe.once('close', () => this.#dials.delete(pipe));
    return pipe;
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return await this.#engine.exec(this.#means.containerId, argv, { cwd: this.folder, ...options });
  }

  async readTar(path: string, signal?: AbortSignal): Promise<Readable> {
    return await this.#engine.readTar(this.#means.containerId, path, signal);
  }

  async writeTar(folder: string, tar: Readable | Uint8Array): Promise<void> {
    await this.#engine.writeTar(this.#means.containerId, folder, tar);
  }

  canary(name: string): string {
    return createHmac('sha256', this.#means.canaryKey).update(name).digest('hex').slice(0, 32);
  }

  async freeze(): Promise<void> {
    // A connection in flight through a freeze stalls without a word; better that it ends with an error.
    for (const pipe of this.#dials) pipe.destroy(new SandboxGone('The sandbox was frozen.'));
    for (const shell of this.#shells) shell.drop();
    const state = await this.#engine.containerState(this.#means.containerId);
    if (state?.running === true && !state.paused) await this.#engine.pauseContainer(this.#means.containerId);
  }

  async thaw(): Promise<void> {
    const state = await this.#engine.containerState(this.#means.containerId);
    if (state?.paused === true) await this.#engine.unpauseContainer(this.#means.containerId);
  }

  async remove(): Promise<void> {
    this.#means.forget();
    for (const pipe of this.#dials) pipe.destroy(new SandboxGone('The sandbox was removed.'));
    await this.#engine.removeContainer(this.#means.containerId);
  }

  async #expectRunning(): Promise<void> {
    const state = await this.#engine.containerState(this.#means.containerId);
    if (state?.running !== true) throw new SandboxGone(`Sandbox ${this.id} is not running any more.`);
  }
}

function readLabels(
  container: ContainerFacts,
): { id: string; spec: SandboxSpec; startedAt: Date } | undefined {
  const { labels } = container;
  const id = labels[LABELS.id];
  const learner = labels[LABELS.learner];
  const lab = labels[LABELS.lab];
  const startedAt = new Date(labels[LABELS.startedAt] ?? '');
  const expiresAt = new Date(labels[LABELS.expiresAt] ?? '');
  if (id === undefined || learner === undefined || lab === undefined) return undefined;
  if (Number.isNaN(startedAt.getTime()) || Number.isNaN(expiresAt.getTime())) return undefined;
  return { id, spec: { learner, lab, expiresAt }, startedAt };
}
