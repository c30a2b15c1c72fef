// What a check may see and do during one grade: facts fetched once, probes in containers of the grader's own, all gone at the end.
import { Readable } from 'node:stream';
import { z } from 'zod';
import { BUSYBOX_PATH, busyboxArchive } from './busybox.ts';
import { borrowEngineClient, bytesOf, type EngineClient, EngineRefused } from './engine-client.ts';
import {
  type ContainerFacts,
  containerFacts,
  type ImageFacts,
  imageFacts,
  type NetworkFacts,
  networkFacts,
} from './facts.ts';
import { namesIn, packTexts } from './pack.ts';
import { frameDecoder } from './stream-frames.ts';
import type { ExecOptions, ExecResult, Workplace } from './workplace.ts';

/** Marks whatever the grader starts on a learner's engine, so that a leftover of a crash is known and removed. */
export const PROBE_LABEL = 'slipway.probe';
/** Output kept of one probe; a container that prints without end is cut off here. */
const OUTPUT_MOST_BYTES = 256 * 1024;
/** Longer than any grade: a probe that a crash left behind ends by itself. */
const PROBE_LIFE_SECONDS = '600';
/** What `docker run` ends with if the container could not be started. */
const NOT_STARTED = 127;
/** Where a window's folders are seen. */
const WINDOW = '/.slipway/window';
/** What a probe container may take: it asks a question or runs a small job. */
const PROBE_LIMITS = { Memory: 256 * 1024 * 1024, PidsLimit: 128 } as const;

export interface RunSpec {
  /** Reference or id of the image to run. */
  readonly image: string;
  /** Arguments in place of the image's command. */
  readonly command?: readonly string[];
  /** In place of the image's entry point. `busybox` arguments run the grader's own busybox in the image. */
  readonly entrypoint?: readonly string[];
  /** Runs the grader's busybox with these arguments instead of anything of the image's. */
  readonly busybox?: readonly string[];
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `none` unless said otherwise: `container:<id>`, `host`, a network's name. */
  readonly network?: string;
  readonly binds?: readonly string[];
  /** Files put into the container before it starts, by absolute path, readable by all. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface RunOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A container of the grader's that goes on running, to be asked several things at 30 ms each. */
export interface Probe {
  /** Runs the grader's busybox with these arguments in the probe. */
  ask(busybox: readonly string[], signal?: AbortSignal): Promise<RunOutcome>;
}

/** An image's container of the grader's, to be asked as the image's own user or another. */
export interface Inside {
  /** Runs the grader's busybox with these arguments. An image whose container can't be started answers with that as its error. */
  ask(busybox: readonly string[], options?: { user?: string }): Promise<RunOutcome>;
}

/** A container started for a check and still running. */
export interface RunningContainer {
  readonly id: string;
  logs(): Promise<string>;
  /** Stops it as `docker stop` does; tells how long that took and how it ended. */
  stop(graceSeconds: number): Promise<{ exitCode: number; ms: number }>;
}

export class Scene implements AsyncDisposable {
  readonly engine: EngineClient;
  readonly workplace: Workplace;
  readonly #memory = new Map<string, Promise<unknown>>();
  readonly #probes = new Map<string, Promise<{ id: string; probe: Probe }>>();
  readonly #undo: (() => Promise<unknown>)[] = [];
  /** Containers to be removed at the end. */
  readonly #containers = new Set<string>();
  /** Creations and removals under way: the end waits for them, so that none is forgotten. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(workplace: Workplace) {
    this.workplace = workplace;
    this.engine = borrowEngineClient(workplace);
  }

  /** Facts of an image, asked once a grade; undefined if there is none of that name. */
  async image(reference: string): Promise<ImageFacts | undefined> {
    return await this.once(`image ${reference}`, async () => {
      const answer = await this.engine.call('GET', `/images/${encodeURIComponent(reference)}/json`, {
        accept: [404],
      });
      return answer === undefined ? undefined : imageFacts.parse(answer);
    });
  }

  /** Facts of a container by name or id, asked once a grade; undefined if there is none. */
  async container(name: string): Promise<ContainerFacts | undefined> {
    return await this.once(`container ${name}`, () => this.freshContainer(name));
  }

  /** The same asked anew: after the grader itself changed something. */
  async freshContainer(name: string): Promise<ContainerFacts | undefined> {
    const answer = await this.engine.call('GET', `/containers/${encodeURIComponent(name)}/json`, {
      accept: [404],
    });
    return answer === undefined ? undefined : containerFacts.parse(answer);
  }

  /** Facts of a network by name, asked once a grade; undefined if there is none. */
  async network(name: string): Promise<NetworkFacts | undefined> {
    return await this.once(`network ${name}`, async () => {
      const answer = await this.engine.call('GET', `/networks/${encodeURIComponent(name)}`, {
        accept: [404],
      });
      return answer === undefined ? undefined : networkFacts.parse(answer);
    });
  }

  /** Does something once a grade, however many checks ask for it under this name. */
  once<T>(name: string, work: () => Promise<T>): Promise<T> {
    const known = this.#memory.get(name);
    if (known !== undefined) return known as Promise<T>;
    const made = work();
    this.#memory.set(name, made);
    return made;
  }

  /** The random value planted in this workplace under a name. */
  canary(name: string): string {
    return this.workplace.canary(name);
  }

  /** A command beside the engine. For building; never to judge by what it says of itself. */
  async exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    return await this.workplace.exec(argv, options);
  }

  /** Remembers something to do when the grade is over, whatever became of it; last in, first out, after the containers are gone. */
  finally(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** Runs a container to its end and removes it. */
  async run(spec: RunSpec, signal: AbortSignal): Promise<RunOutcome> {
    const id = await this.#create(spec, signal);
    try {
      const refusal = await this.#start(id, signal);
      if (refusal !== undefined) return refusal;
      const answer = z.object({ StatusCode: z.number() }).parse(
        await this.engine.call('POST', `/containers/${id}/wait`, {
          query: { condition: 'not-running' },
          signal,
          deadlineMs: 120_000,
        }),
      );
      return { exitCode: answer.StatusCode, ...(await this.#logs(id, signal)) };
    } finally {
      // Nobody waits for it but the end of the grade.
      this.#follow(this.remove(id)).catch(() => undefined);
    }
  }

  /** Starts a container and leaves it running; it is removed when the grade is over. */
  async start(spec: RunSpec, signal: AbortSignal): Promise<RunningContainer> {
    const id = await this.#create(spec, signal);
    await this.engine.call('POST', `/containers/${id}/start`, { signal });
    return {
      id,
      logs: async () => {
        const { stdout, stderr } = await this.#logs(id, signal);
        return stdout + stderr;
      },
      stop: async (graceSeconds) => {
        const startedAt = performance.now();
        await this.engine.call('POST', `/containers/${id}/stop`, {
          query: { t: graceSeconds },
          accept: [304],
          signal,
          deadlineMs: (graceSeconds + 15) * 1000,
        });
        const ms = performance.now() - startedAt;
        return { exitCode: (await this.freshContainer(id))?.State.ExitCode ?? -1, ms };
      },
    };
  }

  /**
   * A probe in a network namespace (`container:<id>`, `host`, a network's name), made once a grade. It runs the grader's
   * busybox in a container of the named image, so nothing of the image's has a say.
   */
  async probe(network: string, image: string, signal: AbortSignal): Promise<Probe> {
    const key = `${network} ${image}`;
    const known = this.#probes.get(key) ?? this.#openProbe(network, image, signal);
    this.#probes.set(key, known);
    return (await known).probe;
  }

  /** A container of an image, started once a grade however often it is asked for; its user is the image's. */
  async inside(image: string, signal: AbortSignal): Promise<Inside> {
    const { id, refusal } = await this.once(`inside ${image}`, async () => {
      const made = await this.#create({ image, busybox: ['sleep', PROBE_LIFE_SECONDS] }, signal);
      return { id: made, refusal: await this.#start(made, signal) };
    });
    return {
      ask: async (busybox, options = {}) => refusal ?? (await this.#ask(id, busybox, signal, options.user)),
    };
  }

  /** Removes a container, running or not; one that is not there counts as removed. */
  async remove(id: string): Promise<void> {
    await this.engine.call('DELETE', `/containers/${id}`, { query: { force: 1, v: 1 }, accept: [404, 409] });
    this.#containers.delete(id);
  }

  /** The bytes of a file or folder in a container or the workplace, as a tar; rejects above `mostBytes`. */
  async tarOf(path: string, mostBytes: number, signal: AbortSignal): Promise<Buffer> {
    return await bytesOf(await this.workplace.readTar(path, signal), mostBytes);
  }

  /** A container that never runs and sees folders from beside the engine read-only, so that each can be had as a tar. */
  async windowOn(
    image: string,
    folders: readonly string[],
    signal: AbortSignal,
  ): Promise<{ tarOf(index: number): Promise<Readable> }> {
    const id = await this.#create(
      { image, command: ['none'], binds: folders.map((folder, index) => `${folder}:${WINDOW}/${index}:ro`) },
      signal,
    );
    return {
      tarOf: (index) =>
        this.engine.stream('GET', `/containers/${id}/archive`, {
          query: { path: `${WINDOW}/${index}` },
          signal,
        }),
    };
  }

  /**
   * Names of what is below a folder of an image, as a container would see it, folders with a slash at their end; undefined
   * if there is no such folder. Nothing is started for it, so nothing of the image's can stand in the way.
   */
  async namesBelow(
    image: string,
    folder: string,
    signal: AbortSignal,
  ): Promise<readonly string[] | undefined> {
    const id = await this.once(`still ${image}`, () => this.#create({ image, command: ['none'] }, signal));
    let tar: Readable;
    try {
      tar = await this.engine.stream('GET', `/containers/${id}/archive`, { query: { path: folder }, signal });
    } catch (error) {
      if (error instanceof EngineRefused && error.status === 404) return undefined;
      throw error;
    }
    return await namesIn(tar);
  }

  /** An image as `docker save` gives it. */
  async exportImage(reference: string, signal: AbortSignal): Promise<Readable> {
    return await this.engine.stream('GET', `/images/${encodeURIComponent(reference)}/get`, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    // What can't be undone was undone by the learner, or the sandbox is gone with it.
    await Promise.allSettled([...this.#containers].map((id) => this.remove(id)));
    for (const undo of this.#undo.splice(0).reverse()) await undo().catch(() => undefined);
    this.engine.close();
  }

  #follow<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const over = () => this.#underWay.delete(work);
    work.then(over, over);
    return work;
  }

  async #create(spec: RunSpec, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const entrypoint = spec.busybox === undefined ? spec.entrypoint : [BUSYBOX_PATH];
    const command = spec.busybox ?? spec.command;
    // Not given the signal: a creation that is broken off may have made a container whose id nobody knows.
    const creation = this.engine.call('POST', '/containers/create', {
      body: {
        Image: spec.image,
        ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
        ...(command === undefined ? {} : { Cmd: command }),
        ...(spec.user === undefined ? {} : { User: spec.user }),
        ...(spec.busybox === undefined ? {} : { Healthcheck: { Test: ['NONE'] }, WorkingDir: '/' }),
        Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
        Labels: { [PROBE_LABEL]: 'run' },
        HostConfig: {
          NetworkMode: spec.network ?? 'none',
          Binds: spec.binds ?? [],
          LogConfig: { Type: 'json-file', Config: {} },
          ...PROBE_LIMITS,
        },
      },
    });
    const made = creation.then((answer) => {
      const { Id } = z.object({ Id: z.string().regex(/^[0-9a-f]+$/) }).parse(answer);
      this.#containers.add(Id);
      return Id;
    });
    const id = await this.#follow(made);
    const put = (body: Uint8Array) =>
      this.engine.call('PUT', `/containers/${id}/archive`, { query: { path: '/' }, body, signal });
    if (spec.busybox !== undefined) await put(await busyboxArchive());
    if (spec.files !== undefined) await put(await packTexts(spec.files));
    return id;
  }

  async #openProbe(
    network: string,
    image: string,
    signal: AbortSignal,
  ): Promise<{ id: string; probe: Probe }> {
    const id = await this.#create(
      { image, busybox: ['sleep', PROBE_LIFE_SECONDS], network, user: '0' },
      signal,
    );
    await this.engine.call('POST', `/containers/${id}/start`, { signal });
    return { id, probe: { ask: (busybox, asked) => this.#ask(id, busybox, asked ?? signal) } };
  }

  /** Starts a container. A refusal is the image's doing (no such program, no such user), and so an outcome. */
  async #start(id: string, signal: AbortSignal): Promise<RunOutcome | undefined> {
    try {
      await this.engine.call('POST', `/containers/${id}/start`, { signal });
      return undefined;
    } catch (error) {
      if (!(error instanceof EngineRefused)) throw error;
      return { exitCode: NOT_STARTED, stdout: '', stderr: error.reason };
    }
  }

  async #ask(
    id: string,
    busybox: readonly string[],
    signal: AbortSignal,
    user?: string,
  ): Promise<RunOutcome> {
    const created = await this.engine.call('POST', `/containers/${id}/exec`, {
      body: {
        Cmd: [BUSYBOX_PATH, ...busybox],
        AttachStdout: true,
        AttachStderr: true,
        ...(user === undefined ? {} : { User: user }),
      },
      signal,
    });
    const { Id } = z.object({ Id: z.string().regex(/^[0-9a-f]+$/) }).parse(created);
    const stream = await this.engine.stream('POST', `/exec/${Id}/start`, {
      body: { Detach: false, Tty: false },
      signal,
    });
    const said = await demultiplexed(stream);
    const facts = z
      .object({ ExitCode: z.number().nullable() })
      .parse(await this.engine.call('GET', `/exec/${Id}/json`, { signal }));
    return { exitCode: facts.ExitCode ?? -1, ...said };
  }

  async #logs(id: string, signal: AbortSignal): Promise<{ stdout: string; stderr: string }> {
    const said = await this.engine.bytes(`/containers/${id}/logs`, {
      query: { stdout: 1, stderr: 1 },
      mostBytes: OUTPUT_MOST_BYTES,
      signal,
    });
    return await demultiplexed(Readable.from([said]));
  }
}

/** Takes a multiplexed stream apart, up to `OUTPUT_MOST_BYTES` each of stdout and stderr. */
async function demultiplexed(stream: Readable): Promise<{ stdout: string; stderr: string }> {
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const sizes = { stdout: 0, stderr: 0 };
  const decode = frameDecoder((kind, payload) => {
    const room = OUTPUT_MOST_BYTES - sizes[kind];
    if (room <= 0) return;
    parts[kind].push(Buffer.from(payload.subarray(0, room)));
    sizes[kind] += payload.length;
  });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    decode(chunk);
    if (sizes.stdout + sizes.stderr > 2 * OUTPUT_MOST_BYTES) {
      stream.destroy();
      break;
    }
  }
  return {
    stdout: Buffer.concat(parts.stdout).toString('utf8'),
    stderr: Buffer.concat(parts.stderr).toString('utf8'),
  };
}
