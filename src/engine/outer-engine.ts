// The outer engine: every call Slipway makes to the Docker engine that carries the sandboxes. dockerode stays in here.
import { type Duplex, Readable } from 'node:stream';
import Docker from 'dockerode';
import { frameDecoder } from '../../grader/stream-frames.ts';
import { boundedText, ExecPipe } from './exec-pipe.ts';

export interface ExecOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly hostname?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly host: Docker.HostConfig & {
    readonly CgroupnsMode?: 'private' | 'host';
    readonly MaskedPaths?: readonly string[];
    readonly ReadonlyPaths?: readonly string[];
  };
}

export interface ContainerFacts {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly createdAt: Date;
}

export interface ContainerEvent {
  readonly action: string;
  readonly containerId: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface EngineFacts {
  readonly version: string;
  readonly usernsRemap: boolean;
  readonly cgroupVersion: '1' | '2';
  readonly cgroupDriver: string;
  readonly memoryBytes: number;
  readonly cpus: number;
}

/** The engine does not answer, or not in the time it was given. */
export class EngineLost extends Error {
  override readonly name = 'EngineLost';
}

/** Longest wait for an answer to a call that does no work of its own, in ms: past it the engine counts as lost. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The HTTP status of a failed engine call, if it got as far as one. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

const LOST_CODES = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** True if the error means that the engine was not there, rather than that it said no. */
export function isEngineLost(error: unknown): boolean {
  if (error instanceof EngineLost) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return LOST_CODES.has(code) || error.message === 'socket hang up';
}

export class OuterEngine {
  readonly socketPath: string;
  readonly #docker: Docker;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.#docker = new Docker({ socketPath });
  }

  /** What kind of engine answers. Rejects with `EngineLost` if none does. */
  async facts(): Promise<EngineFacts> {
    const info = await this.#answer(this.#docker.info(), 'GET /info');
    const security: string[] = Array.isArray(info.SecurityOptions) ? info.SecurityOptions : [];
    return {
      version: String(info.ServerVersion),
      usernsRemap: security.some((option) => option.includes('name=userns')),
      cgroupVersion: info.CgroupVersion === '2' ? '2' : '1',
      cgroupDriver: String(info.CgroupDriver),
      memoryBytes: Number(info.MemTotal),
      cpus: Number(info.NCPU),
    };
  }

  /** Where the engine keeps its data on its machine. */
  async dataRoot(): Promise<string> {
    return String((await this.#answer(this.#docker.info(), 'GET /info')).DockerRootDir);
  }

  /** True if an engine answers a ping within 5 s. */
  async answers(): Promise<boolean> {
    try {
      await this.#answer(this.#docker.ping(), 'GET /_ping', 5_000);
      return true;
    } catch {
      // Any failure to answer a ping is the answer "no".
      return false;
    }
  }

  async hasImage(reference: string): Promise<boolean> {
    return (await this.#unless404(this.#docker.getImage(reference).inspect())) !== undefined;
  }

  async imageReferences(): Promise<string[]> {
    const images = await this.#docker.listImages();
    return images.flatMap((image) => image.RepoTags ?? []);
  }

  async tagImage(from: string, repository: string, tag: string): Promise<void> {
    await this.#docker.getImage(from).tag({ repo: repository, tag });
  }

  async removeImage(reference: string): Promise<void> {
    await this.#unless404(this.#docker.getImage(reference).remove());
  }

  /** Makes an image of one layer from a root file system's tar. */
  async importImage(tar: Readable, repository: string, tag: string): Promise<void> {
    const stream = await this.#docker.importImage(tar as NodeJS.ReadableStream as never, {
      repo: repository,
      tag,
    });
    await this.#followProgress(stream);
  }

  /** Pulls an image; false if no registry answered within `timeoutMs` or it has no such image. */
  async pullImage(reference: string, timeoutMs: number, progress: (line: string) => void): Promise<boolean> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), timeoutMs);
    try {
      const stream = await this.#docker.pull(reference, { abortSignal: patience.signal });
      await this.#followProgress(stream, (line) => {
        timer.refresh();
        progress(line);
      });
      return true;
    } catch {
      // No network, no registry, no such image: all mean that the stand-in is built instead.
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Builds an image with the engine's classic builder (present in every version this project meets). */
  async buildImage(
    context: Readable,
    tag: string,
    buildArgs: Record<string, string>,
    progress: (line: string) => void,
  ) {
    const stream = await this.#docker.buildImage(context as NodeJS.ReadableStream, {
      t: tag,
      version: '1',
      rm: true,
      forcerm: true,
      buildargs: buildArgs,
    });
    await this.#followProgress(stream, progress);
  }

  async hasVolume(name: string): Promise<boolean> {
    return (await this.#unless404(this.#docker.getVolume(name).inspect())) !== undefined;
  }

  async volumesLabelled(label: string): Promise<{ name: string; labels: Record<string, string> }[]> {
    const { Volumes } = await this.#docker.listVolumes({ filters: { label: [label] } });
    return (Volumes ?? []).map((volume) => ({ name: volume.Name, labels: volume.Labels ?? {} }));
  }

  /** Volumes that no container uses. */
  async danglingVolumeNames(): Promise<string[]> {
    const { Volumes } = await this.#docker.listVolumes({ filters: { dangling: ['true'] } });
    return (Volumes ?? []).map((volume) => volume.Name);
  }

  async networkNames(): Promise<string[]> {
    return (await this.#docker.listNetworks()).map((network) => network.Name);
  }

  /** Creates a local volume and tells where it lies on the engine's machine. */
  async createVolume(
    name: string,
    labels: Record<string, string>,
    options: Record<string, string> = {},
  ): Promise<string> {
    await this.#docker.createVolume({ Name: name, Driver: 'local', DriverOpts: options, Labels: labels });
    return (await this.#docker.getVolume(name).inspect()).Mountpoint;
  }

  /** Removes a volume; one that is not there or still in use is left as it is. */
  async removeVolume(name: string): Promise<boolean> {
    try {
      await this.#docker.getVolume(name).remove();
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return true;
      // Older engines answer 500 where a mount outlived the container that had it.
      if (statusOf(error) === 409 || /in use|active mounts/.test(String(error))) return false;
      throw error;
    }
  }

  async createContainer(spec: ContainerSpec): Promise<string> {
    const container = await this.#answer(
      this.#docker.createContainer({
        name: spec.name,
        Image: spec.image,
        ...(spec.hostname === undefined ? {} : { Hostname: spec.hostname }),
        ...(spec.command === undefined ? {} : { Cmd: [...spec.command] }),
        ...(spec.entrypoint === undefined ? {} : { Entrypoint: [...spec.entrypoint] }),
        Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
        Labels: { ...spec.labels },
        HostConfig: spec.host as Docker.HostConfig,
      }),
      'POST /containers/create',
    );
    return container.id;
  }

  async startContainer(id: string): Promise<void> {
    await this.#answer(this.#docker.getContainer(id).start(), `POST /containers/${id}/start`, 60_000);
  }

  /** The process id of a running container's first process on the engine's machine. */
  async processId(id: string): Promise<number> {
    return (await this.#docker.getContainer(id).inspect()).State.Pid;
  }

  async containerState(
    id: string,
  ): Promise<{ running: boolean; paused: boolean; oomKilled: boolean; exitCode: number } | undefined> {
    const facts = await this.#unless404(
      this.#answer(this.#docker.getContainer(id).inspect(), 'GET /containers/{id}/json'),
    );
    if (facts === undefined) return undefined;
    const { Running, Paused, OOMKilled, ExitCode } = facts.State;
    return { running: Running, paused: Paused, oomKilled: OOMKilled, exitCode: ExitCode };
  }

  async containersLabelled(labels: readonly string[]): Promise<ContainerFacts[]> {
    const containers = await this.#answer(
      this.#docker.listContainers({ all: true, filters: { label: [...labels] } }),
      'GET /containers/json',
    );
    return containers.map((container) => ({
      id: container.Id,
      name: (container.Names[0] ?? '').replace(/^\//, ''),
      labels: container.Labels,
      state: container.State as ContainerFacts['state'],
      createdAt: new Date(container.Created * 1000),
    }));
  }

  /** Removes a container, running or not, with its anonymous volumes. One that is not there counts as removed. */
  async removeContainer(id: string): Promise<void> {
    try {
      await this.#answer(
        this.#docker.getContainer(id).remove({ force: true, v: true }),
        `DELETE /containers/${id}`,
        60_000,
      );
    } catch (error) {
      // 409: another removal of the same container is under way, which is what was wanted.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
    }
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    try {
      await this.#docker.getContainer(id).stop({ t: graceSeconds });
    } catch (error) {
      if (statusOf(error) !== 304 && statusOf(error) !== 404) throw error;
    }
  }

  async pauseContainer(id: string): Promise<void> {
    await this.#answer(this.#docker.getContainer(id).pause(), `POST /containers/${id}/pause`);
  }

  async unpauseContainer(id: string): Promise<void> {
    await this.#answer(this.#docker.getContainer(id).unpause(), `POST /containers/${id}/unpause`);
  }

  async limitsOf(id: string): Promise<{ memoryBytes: number; cpus: number; processes: number }> {
    const { HostConfig } = await this.#docker.getContainer(id).inspect();
    return {
      memoryBytes: HostConfig.Memory ?? 0,
      cpus: (HostConfig.NanoCpus ?? 0) / 1e9,
      processes: HostConfig.PidsLimit ?? 0,
    };
  }

  /** Memory a container holds, page cache not counted. */
  async memoryBytes(id: string): Promise<number> {
    const stats = await this.#docker.getContainer(id).stats({ stream: false });
    return stats.memory_stats.usage - (stats.memory_stats.stats?.cache ?? 0);
  }

  async waitForExit(id: string): Promise<number> {
    const outcome: { StatusCode: number } = await this.#docker.getContainer(id).wait();
    return outcome.StatusCode;
  }

  /** A tar of a file or folder of a container, running or not. */
  async readTar(id: string, path: string, signal?: AbortSignal): Promise<Readable> {
    const stream = await this.#docker
      .getContainer(id)
      .getArchive({ path, ...(signal === undefined ? {} : { abortSignal: signal }) });
    return stream as Readable;
  }

  /** Unpacks a tar into an existing folder of a container. */
  async writeTar(id: string, folder: string, tar: Readable | Uint8Array): Promise<void> {
    const body = tar instanceof Uint8Array ? Buffer.from(tar) : tar;
    const answer: unknown = await this.#docker.getContainer(id).putArchive(body, { path: folder });
    // An answer that comes as a stream must be drained, or its connection is never given back.
    if (answer instanceof Readable) await drained(answer);
  }

  /**
   * A command in a container as a raw byte pipe: what is written is its stdin, what is read its stdout.
   * Returned at once and connected later; destroyed with an error that carries its stderr if it fails.
   */
  pipe(id: string, argv: readonly string[]): Duplex {
    return new ExecPipe(() => this.#startExec(id, { argv, tty: false }));
  }

  /** A command on a pseudo-terminal. The size can only be set once it runs. */
  async terminal(
    id: string,
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<TerminalExec> {
    const { stream, exec } = await this.#startExec(id, { argv, tty: true, env });
    return {
      stream,
      resize: async (cols, rows) => {
        await exec.resize({ h: rows, w: cols });
      },
      exitCode: async () => {
        const facts = await exec.inspect();
        return facts.Running ? undefined : (facts.ExitCode ?? undefined);
      },
    };
  }

  /** Runs a command to its end and gives what it printed. */
  async exec(
    id: string,
    argv: readonly string[],
    options: {
      cwd?: string;
      env?: Readonly<Record<string, string>>;
      input?: string | Uint8Array;
      signal?: AbortSignal;
      onOutput?: (chunk: Buffer) => void;
    } = {},
  ): Promise<ExecOutcome> {
    options.signal?.throwIfAborted();
    const { stream, exec } = await this.#startExec(id, {
      argv,
      tty: false,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      stdin: options.input !== undefined,
    });
    const stdout = boundedText();
    const stderr = boundedText();
    const decode = frameDecoder((kind, payload) => {
      options.onOutput?.(payload);
      (kind === 'stderr' ? stderr : stdout).add(payload);
    });
    await new Promise<void>((resolve, reject) => {
      const abort = () =>
        stream.destroy(new Error(`The command ${argv[0]} was given up.`, { cause: options.signal?.reason }));
      options.signal?.addEventListener('abort', abort, { once: true });
      stream.on('data', decode);
      stream.on('end', resolve);
      stream.on('close', resolve);
      stream.on('error', reject);
      if (options.input !== undefined) stream.end(Buffer.from(options.input));
    });
    options.signal?.throwIfAborted();
    // The exit code is only known once the stream has ended.
    const facts = await exec.inspect();
    return {
      exitCode: facts.ExitCode ?? -1,
      stdout: stdout.text(),
      stderr: stderr.text(),
      truncated: stdout.truncated() || stderr.truncated(),
    };
  }

  /** Follows the events of labelled containers until `signal` aborts; calls `lost` once if the engine goes away. */
  async followContainers(
    label: string,
    signal: AbortSignal,
    seen: (event: ContainerEvent) => void,
    lost: () => void,
  ): Promise<void> {
    const stream = await this.#docker.getEvents({
      filters: { type: ['container'], label: [label], event: ['die', 'oom', 'start'] },
      abortSignal: signal,
    });
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      rest += chunk.toString('utf8');
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.trim() === '') continue;
        const event: {
          Action?: string;
          status?: string;
          Actor?: { ID: string; Attributes: Record<string, string> };
        } = JSON.parse(line);
        if (event.Actor === undefined) continue;
        seen({
          action: event.Action ?? event.status ?? '',
          containerId: event.Actor.ID,
          labels: event.Actor.Attributes,
        });
      }
    });
    let told = false;
    const tell = () => {
      if (told || signal.aborted) return;
      told = true;
      lost();
    };
    stream.on('end', tell);
    stream.on('close', tell);
    stream.on('error', tell);
  }

  async #startExec(
    id: string,
    spec: {
      argv: readonly string[];
      tty: boolean;
      cwd?: string;
      env?: Readonly<Record<string, string>>;
      stdin?: boolean;
    },
  ): Promise<{ stream: Duplex; exec: Docker.Exec }> {
    const stdin = spec.stdin ?? true;
    const exec = await this.#answer(
      this.#docker.getContainer(id).exec({
        Cmd: [...spec.argv],
        AttachStdin: stdin,
        AttachStdout: true,
        AttachStderr: true,
        Tty: spec.tty,
        ...(spec.cwd === undefined ? {} : { WorkingDir: spec.cwd }),
        Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
      }),
      'POST /containers/{id}/exec',
    );
    const stream = await this.#answer(
      exec.start({ hijack: true, stdin: true, Tty: spec.tty }),
      'POST /exec/{id}/start',
    );
    return { stream: stream as Duplex, exec };
  }

  async #answer<T>(call: Promise<T>, what: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(new EngineLost(`The Docker engine did not answer ${what} within ${timeoutMs / 1000} s.`)),
        timeoutMs,
      );
    });
    try {
      return await Promise.race([call, late]);
    } catch (error) {
      if (isEngineLost(error) && !(error instanceof EngineLost)) {
        throw new EngineLost(`The Docker engine at ${this.socketPath} does not answer.`, { cause: error });
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #unless404<T>(call: Promise<T>): Promise<T | undefined> {
    try {
      return await call;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async #followProgress(
    stream: NodeJS.ReadableStream,
    progress: (line: string) => void = () => {},
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(
        stream,
        (error: Error | null) => (error === null ? resolve() : reject(error)),
        (event: { stream?: string; status?: string; error?: string }) => {
          if (event.error !== undefined) reject(new Error(event.error));
          const line = (event.stream ?? event.status ?? '').trim();
          if (line !== '') progress(line);
        },
      );
    });
  }
}

export interface TerminalExec {
  readonly stream: Duplex;
  resize(cols: number, rows: number): Promise<void>;
  /** Undefined while it runs. */
  exitCode(): Promise<number | undefined>;
}

async function drained(stream: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.on('end', resolve);
    stream.on('close', resolve);
    stream.on('error', reject);
    stream.resume();
  });
}
