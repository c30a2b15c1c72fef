// Everything below the sandboxes, in one call: an engine found, installed or started; images and seed prepared; a spawner over it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { extract } from 'tar-stream';
import { prepareSeed } from './catalogue.ts';
import { DockerSpawner } from './docker-spawner.ts';
import { withLock } from './lock.ts';
import { canInstallPackages, findProgram, installPackages, isRoot } from './machine.ts';
import { OuterEngine } from './outer-engine.ts';
import { openPrivateEngine, type PrivateEngine, withInternet } from './private-engine.ts';
import type { Progress, Step } from './progress.ts';
import { type Isolation, SandboxHost } from './sandbox-host.ts';
import { prepareSandboxImage } from './sandbox-image.ts';
import type { Spawner } from './spawner.ts';

export interface MachineRoomOptions {
  /** The checkout: recipes, labs. */
  readonly projectFolder: string;
  readonly dataFolder: string;
  /** Socket of an engine to use instead of a private one. */
  readonly engineSocket?: string | undefined;
  readonly isolation?: Isolation | undefined;
  /** Names whose sandboxes are whose on a shared engine; by default from the data folder. */
  readonly instance?: string | undefined;
  readonly canaryKey: Uint8Array;
  readonly progress: Progress;
}

export interface MachineRoom {
  readonly spawner: Spawner;
  readonly isolation: Isolation;
  readonly engine: OuterEngine;
  /** A static busybox that no learner can touch: the grader's own tool. */
  readonly busybox: string;
  /** Lets go of the engine; a private one is stopped by the last to do so. Freeze or remove the sandboxes first. */
  close(): Promise<void>;
}

/** What stands in the way of labs, and what to do about it. Lessons are read without. */
export interface Obstacle {
  readonly message: string;
  readonly next: string;
}

export type MachineRoomAnswer =
  | { readonly state: 'ready'; readonly room: MachineRoom }
  | { readonly state: 'unavailable'; readonly obstacle: Obstacle };

/** Programs the private engine and the images' preparation call, and the Debian package each comes from. */
const NEEDED: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  containerd: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  ip: 'iproute2',
  debootstrap: 'debootstrap',
};

/** Programs that `npm start` would have to install first. */
export function missingPrograms(): string[] {
  return Object.keys(NEEDED).filter((name) => findProgram(name) === undefined);
}

/** Why labs could not run on this machine as it is, found out without changing anything; undefined if nothing stands in the way. */
export async function findObstacle(engineSocket: string | undefined): Promise<Obstacle | undefined> {
  if (engineSocket !== undefined) {
    if (statSync(engineSocket, { throwIfNoEntry: false })?.isSocket() !== true) {
      return {
        message: `SLIPWAY_ENGINE names unix://${engineSocket}, but there is no socket there.`,
        next: 'Name the socket of a running Docker engine, such as unix:///var/run/docker.sock, or unset SLIPWAY_ENGINE to let Slipway start its own.',
      };
    }
    if (!(await new OuterEngine(engineSocket).answers())) {
      return {
        message: `SLIPWAY_ENGINE names unix://${engineSocket}, but no Docker engine answers there.`,
        next: 'Start that engine, or check that you may write to its socket, then start Slipway again.',
      };
    }
    return undefined;
  }
  if (process.platform !== 'linux') {
    return {
      message: 'Labs need a Docker engine, and Slipway can start one of its own only on Linux.',
      next: 'Start Docker Desktop or another engine and name its socket: SLIPWAY_ENGINE=unix:///var/run/docker.sock npm start',
    };
  }
  if (!isRoot()) {
    return {
      message: 'Labs need a Docker engine, and Slipway can start one of its own only as root.',
      next: 'Start it with sudo npm start, or name an engine that you may use: SLIPWAY_ENGINE=unix:///var/run/docker.sock npm start',
    };
  }
  const missing = missingPrograms();
  if (missing.length > 0 && !canInstallPackages()) {
    return {
      message: `Labs need a Docker engine. Not found here: ${missing.join(', ')}; and there is no apt to install them with.`,
      next: 'Install Docker with this machine’s package manager and name its socket: SLIPWAY_ENGINE=unix:///var/run/docker.sock npm start',
    };
  }
  return undefined;
}

/** Opens the machine room. An expected obstacle is an answer; anything else rejects with what went wrong. */
export async function openMachineRoom(options: MachineRoomOptions): Promise<MachineRoomAnswer> {
  const obstacle = await findObstacle(options.engineSocket);
  if (obstacle !== undefined) return { state: 'unavailable', obstacle };
  const dataFolder = resolve(options.dataFolder);
  const workFolder = join(dataFolder, 'images');
  mkdirSync(workFolder, { recursive: true });

  const held =
    options.engineSocket === undefined ? await holdPrivateEngine(dataFolder, options.progress) : undefined;
  try {
    const engine = held?.engine ?? new OuterEngine(options.engineSocket ?? '');
    const facts = await engine.facts();
    const isolation = options.isolation ?? (facts.usernsRemap ? 'userns' : 'privileged');
    if (isolation === 'userns' && !facts.usernsRemap) {
      return {
        state: 'unavailable',
        obstacle: {
          message:
            'SLIPWAY_ISOLATION=userns needs an engine with userns-remap, and the one named by SLIPWAY_ENGINE has none.',
          next: 'Turn userns-remap on in that engine, or unset SLIPWAY_ENGINE, or (alone, on your own machine) set SLIPWAY_ISOLATION=privileged.',
        },
      };
    }
    const online = <T>(work: () => Promise<T>) =>
      held === undefined ? work() : withInternet(held.bridge, work);
    // Another process may be at it: it is let finish, and what it made is found.
    const alone = async <T>(work: () => Promise<T>): Promise<T> => {
      let step: Step | undefined;
      return await withLock(
        join(workFolder, 'lock'),
        () => {
          step = options.progress.step('Waiting for another Slipway that prepares images here');
        },
        async () => {
          step?.done();
          return await online(work);
        },
      );
    };
    const image = await alone(() =>
      prepareSandboxImage(engine, options.projectFolder, workFolder, options.progress),
    );
    const remapped = held?.remappedRoot ?? (await remappedRootOf(engine));
    const host = new SandboxHost({
      engine,
      facts,
      isolation,
      remappedRoot: remapped,
      helperImage: image.reference,
    });
    const seedVolume = await alone(() =>
      prepareSeed(host, image, options.projectFolder, workFolder, options.progress),
    );
    const spawner = new DockerSpawner({
      host,
      image: image.reference,
      seedVolume,
      instance: options.instance ?? instanceOf(dataFolder),
      labsFolder: join(options.projectFolder, 'labs'),
      canaryKey: options.canaryKey,
    });
    const busybox = await trustedBusybox(engine, image.reference, join(workFolder, `busybox-${image.hash}`));
    return {
      state: 'ready',
      room: { spawner, isolation, engine, busybox, close: async () => await held?.release() },
    };
  } catch (error) {
    await held?.release();
    throw error;
  }
}

/** The name under which a data folder's sandboxes are labelled. */
export const instanceOf = (dataFolder: string): string =>
  createHash('sha256').update(resolve(dataFolder)).digest('hex').slice(0, 12);

async function holdPrivateEngine(dataFolder: string, progress: Progress): Promise<PrivateEngine> {
  const missing = missingPrograms();
  if (missing.length > 0) {
    const what = missing.includes('dockerd')
      ? 'No Docker engine was found: installing Debian’s'
      : `Installing ${missing.join(', ')}`;
    const step = progress.step(what);
    try {
      await installPackages(
        missing.map((name) => NEEDED[name] ?? name),
        step,
      );
      step.done();
    } catch (error) {
      step.failed('apt-get failed');
      throw error;
    }
  }
  const step = progress.step('Starting the private engine');
  try {
    const held = await openPrivateEngine(dataFolder);
    const { version } = await held.engine.facts();
    step.done(`Docker ${version}${held.started ? '' : ', already running'}`);
    return held;
  } catch (error) {
    step.failed('it did not come up');
    throw error;
  }
}

/** The host uid of a remapped engine's root, from its data root's name: `/var/lib/docker/100000.100000`. Zero without remapping. */
async function remappedRootOf(engine: OuterEngine): Promise<number> {
  return Number(/\/(\d+)\.\d+$/.exec(await engine.dataRoot())?.[1] ?? 0);
}

/** Copies busybox out of the sandbox image, from a container that never runs. */
async function trustedBusybox(engine: OuterEngine, image: string, path: string): Promise<string> {
  if (existsSync(path)) return path;
  const id = await engine.createContainer({
    name: `slipway-busybox-${process.pid}`,
    image,
    labels: { 'slipway.helper': 'busybox' },
    host: { NetworkMode: 'none' },
  });
  try {
    const files = extract();
    (await engine.readTar(id, '/usr/bin/busybox')).pipe(files as unknown as Writable);
    for await (const file of files) {
      const chunks: Buffer[] = [];
      for await (const chunk of file as AsyncIterable<Buffer>) chunks.push(chunk);
      writeFileSync(`${path}.part`, Buffer.concat(chunks), { mode: 0o755 });
    }
    renameSync(`${path}.part`, path);
    return path;
  } finally {
    await engine.removeContainer(id);
  }
}
