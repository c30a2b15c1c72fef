// Starts containers that can carry an engine, under one of two isolation profiles, and tells when the engine inside answers.
import { readFileSync } from 'node:fs';
import { delegateCgroups, delegationHelper } from './cgroup-delegation.ts';
import { isRoot, lacksSysResource } from './machine.ts';
import { type EngineFacts, type OuterEngine, statusOf } from './outer-engine.ts';
import { SandboxGone } from './spawner.ts';

/**
 * `userns`: the container's root is nobody on the host (the engine has `userns-remap`). `privileged`: its root is as good as
 * root on the host; for one trusted learner on their own machine.
 */
export type Isolation = 'userns' | 'privileged';

export interface StartOptions {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly binds: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `none`: no way out and no way in. `bridge`: the engine's default network, for preparing images. */
  readonly network: 'none' | 'bridge';
  readonly limits: 'sandbox' | 'none';
}

const GIB = 1024 ** 3;
/** What one sandbox may take. Memory: PostgreSQL, a build and the engine fit. Processes: a Compose stack is some 200. */
export const SANDBOX_LIMITS = { memoryBytes: 2 * GIB, cpus: 2, processes: 2_048 } as const;

/** Exit codes of the sandbox's boot script, in words. */
const BOOT_FAILURES: Readonly<Record<number, string>> = {
  21: 'its cgroups stayed read-only',
  22: 'its cgroups were never handed over to it',
  23: 'its processes could not be moved to a leaf cgroup',
  24: 'the image seed could not be linked',
  25: 'containerd did not start',
  26: 'its name server or package index did not start',
};

export class SandboxHost {
  readonly engine: OuterEngine;
  readonly isolation: Isolation;
  readonly #facts: EngineFacts;
  /** uid and gid that the container's root has on the host. */
  readonly #remappedRoot: number;
  readonly #helperImage: string;

  constructor(options: {
    engine: OuterEngine;
    facts: EngineFacts;
    isolation: Isolation;
    remappedRoot: number;
    /** Any image with a shell; used once per start if this process can't hand over cgroups itself. */
    helperImage: string;
  }) {
    this.engine = options.engine;
    this.isolation = options.isolation;
    this.#facts = options.facts;
    this.#remappedRoot = options.remappedRoot;
    this.#helperImage = options.helperImage;
  }

  /** Creates and starts a container and hands its cgroups over. A failed start leaves no container. */
  async start(options: StartOptions): Promise<string> {
    let id = await this.#create(options, this.isolation === 'privileged');
    try {
      await this.engine.startContainer(id);
    } catch (error) {
      await this.engine.removeContainer(id);
      // Some virtual machines keep a capability from root, and older engines then refuse `--privileged` as a whole.
      if (this.isolation !== 'privileged' || !/unable to apply caps/.test(String(error))) throw error;
      id = await this.#create(options, false);
      await this.engine.startContainer(id);
    }
    try {
      if (this.isolation === 'userns') await this.#delegate(id);
    } catch (error) {
      await this.engine.removeContainer(id);
      throw error;
    }
    return id;
  }

  /** Resolves once the engine inside answers. Rejects with `SandboxGone` if the container ended first. */
  async ready(id: string, signal?: AbortSignal): Promise<void> {
    // One exec that waits inside costs 40 ms; polling with an exec each time would cost that at every turn.
    const knock = ['socat', '-t', '10', '-', 'UNIX-CONNECT:/var/run/docker.sock,retry=6000,interval=0.01'];
    try {
      const answer = await this.engine.exec(id, knock, {
        input: 'GET /_ping HTTP/1.0\r\n\r\n',
        ...(signal === undefined ? {} : { signal }),
      });
      if (answer.stdout.includes('OK')) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (statusOf(error) === undefined) throw error;
    }
    const state = await this.engine.containerState(id);
    if (state === undefined) throw new SandboxGone('The sandbox was removed while it was starting.');
    const reason = BOOT_FAILURES[state.exitCode] ?? `it ended with ${state.exitCode}`;
    throw new SandboxGone(
      state.running
        ? 'The engine inside the sandbox does not answer.'
        : `The sandbox did not come up: ${reason}.`,
    );
  }

  async #create(options: StartOptions, asPrivileged: boolean): Promise<string> {
    return await this.engine.createContainer({
      name: options.name,
      image: options.image,
      hostname: 'lab',
      env: options.env,
      labels: options.labels,
      host: {
        NetworkMode: options.network,
        Binds: [...options.binds],
        RestartPolicy: { Name: 'no' },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
        CgroupnsMode: 'private',
        ...(options.limits === 'none' ? {} : this.#limits()),
        ...(asPrivileged ? { Privileged: true } : this.#capabilities()),
        ...(this.isolation === 'privileged' && this.#facts.usernsRemap ? { UsernsMode: 'host' } : {}),
      },
    });
  }

  #limits() {
    const memory = Math.min(SANDBOX_LIMITS.memoryBytes, this.#facts.memoryBytes);
    return {
      Memory: memory,
      // The same value: no swap on top.
      MemorySwap: memory,
      NanoCpus: Math.min(SANDBOX_LIMITS.cpus, this.#facts.cpus) * 1e9,
      PidsLimit: SANDBOX_LIMITS.processes,
    };
  }

  #capabilities() {
    return {
      CapAdd: ['ALL'],
      ...(lacksSysResource() ? { CapDrop: ['SYS_RESOURCE'] } : {}),
      SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
      // An inner engine writes below /proc/sys. What the kernel keeps for the real root stays kept, by the user namespace.
      MaskedPaths: [],
      ReadonlyPaths: [],
    };
  }

  async #delegate(id: string): Promise<void> {
    const pid = await this.engine.processId(id);
    if (isRoot() && seesProcess(pid, id)) {
      delegateCgroups(pid, this.#remappedRoot);
      return;
    }
    const helper = delegationHelper(pid, this.#remappedRoot);
    const helperId = await this.engine.createContainer({
      name: `slipway-delegate-${id.slice(0, 12)}`,
      image: this.#helperImage,
      entrypoint: helper.command,
      command: [],
      labels: { 'slipway.helper': 'delegate' },
      host: {
        UsernsMode: 'host',
        PidMode: 'host',
        NetworkMode: 'none',
        CgroupnsMode: 'private',
        CapDrop: ['ALL'],
        CapAdd: ['CHOWN'],
        Binds: helper.binds,
      },
    });
    try {
      await this.engine.startContainer(helperId);
      const code = await this.engine.waitForExit(helperId);
      if (code !== 0)
        throw new Error(`Handing the sandbox its cgroups failed: the helper ended with ${code}.`);
    } finally {
      await this.engine.removeContainer(helperId);
    }
  }
}

/** True if the process id means the same process here as for the engine: both are on this machine, in one pid namespace. */
function seesProcess(pid: number, containerId: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
  } catch {
    // No such process here: the engine is elsewhere.
    return false;
  }
}
