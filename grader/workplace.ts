// Where a learner's work stands: the one view of a sandbox (or of your own machine) that the grader has.
import type { Duplex, Readable } from 'node:stream';

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Bounded: output beyond `EXEC_OUTPUT_MAX_BYTES` is dropped and `truncated` is true. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

/** An engine to ask and a project folder to read. Everything it answers may have been forged by its learner. */
export interface Workplace {
  /** A new raw connection to the Docker API; returned at once, connected later, destroyed with an error if it can't. */
  dial(): Duplex;
  /** Runs a command beside the engine (the docker CLI, a shell). Never used to judge; only to build and to solve. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** The learner's project folder, absolute, as `exec` sees it. */
  readonly folder: string;
  /**
   * A tar of a path in the workplace (a file or a folder), read from outside; its one top entry is the path's last name.
   * Rejects with an error whose `statusCode` is 404 if there is nothing at that path.
   */
  readTar(path: string, signal?: AbortSignal): Promise<Readable>;
  /** Unpacks a tar into an existing folder of the workplace. */
  writeTar(folder: string, tar: Readable | Uint8Array): Promise<void>;
  /** The random value planted in this workplace under a name (a canary): the same each time it is asked. */
  canary(name: string): string;
}
