// How one sandbox comes to exist and what can be done with it. `DockerSpawner` is the real one.
import type { Workplace } from '../../grader/workplace.ts';

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** A process on a pseudo-terminal, seen from one attachment. Closing the attachment leaves the process running. */
export interface Shell {
  /** Called with each chunk of raw output, in order. One listener. */
  onData(listener: (chunk: Uint8Array) => void): void;
  write(data: Uint8Array | string): void;
  resize(size: TerminalSize): Promise<void>;
  /** Stops reading from the process: output backs up to it and it blocks. */
  pause(): void;
  resume(): void;
  /** Lets go of the process, which runs on and can be attached again. */
  detach(): Promise<void>;
  /** Resolves when the attachment ends: `exited` if the process itself ended, `lost` if the connection did. */
  readonly ended: Promise<'exited' | 'lost' | 'detached'>;
}

export interface SandboxSpec {
  readonly learner: string;
  readonly lab: string;
  readonly expiresAt: Date;
}

/** One learner's container with an engine inside. All of it is reached through the outer Engine API. */
export interface Sandbox extends SandboxSpec, Workplace {
  readonly id: string;
  readonly startedAt: Date;
  /** Attaches to the shell of that name (`1`, `2`, `3`), starting it if there is none. */
  shell(name: string, size: TerminalSize): Promise<Shell>;
  /** Resolves once the inner engine answers; rejects with `SandboxGone` if the container is not running. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Stops every process, keeping memory and files. Connections to it are destroyed. */
  freeze(): Promise<void>;
  /** Lets a frozen sandbox run on; does nothing to a running one. */
  thaw(): Promise<void>;
  /** Removes the container and its volumes. Removing a removed one succeeds. */
  remove(): Promise<void>;
}

/** The sandbox is not there any more (removed, killed, its engine lost). */
export class SandboxGone extends Error {
  override readonly name = 'SandboxGone';
}

export interface Spawner {
  /** Starts a sandbox and puts the lab's start files in; resolves when its engine answers. An aborted or failed start leaves nothing. */
  spawn(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox>;
  /** Every living sandbox of this Slipway, read back from container labels, so that a restarted server forgets nothing. Dead ones are removed. */
  list(): Promise<Sandbox[]>;
  /** Calls back when the container of a sandbox dies without being removed by us. Returns the way to stop listening. */
  watch(died: (sandboxId: string, cause: 'out-of-memory' | 'exited' | 'engine-lost') => void): () => void;
}
