// The ground that the contract tests stand on: one workplace for a test file, and docker commands in it.
import { afterAll, beforeAll, expect } from 'vitest';
import type { ExecResult, Workplace } from '../../grader/workplace.ts';

/** Long enough for a first start of PostgreSQL on a busy machine. */
export const POLL = { timeout: 40_000, interval: 100 };

/** The part of an image's configuration that makes up its interface. */
export interface ImageConfig {
  readonly Env: readonly string[] | null;
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly User: string;
  readonly WorkingDir: string;
}

/** A container that is removed, with its anonymous volumes, at the end of the scope that holds it. */
export interface StartedContainer extends AsyncDisposable {
  readonly id: string;
}

export interface ContractGround {
  /** Runs a command beside the engine. */
  exec: Workplace['exec'];
  /** Runs a docker command, whatever comes of it. */
  attempt(...words: string[]): Promise<ExecResult>;
  /** What a docker command prints; the test fails if the command does. */
  docker(...words: string[]): Promise<string>;
  config(image: string): Promise<ImageConfig>;
  /** Everything a container has said so far, on either stream. */
  logs(container: string): Promise<string>;
  /** `docker run --detach` with these words. */
  started(...words: string[]): Promise<StartedContainer>;
  /** Stops a container as `docker stop` does, with time to spare; gives the exit code it ended with. */
  stopped(container: string): Promise<number>;
  /** Puts files into a fresh folder beside the engine, for mounting into containers; gives its path. */
  folderWith(name: string, files: Readonly<Record<string, GroundFile>>): Promise<string>;
  /** Unpacks a tar made on this side into a folder beside the engine. */
  unpack: Workplace['writeTar'];
}

interface GroundFile {
  readonly text: string;
  /** In octal; `644` if not said. */
  readonly mode?: string;
}

/** The value of an environment variable that an image sets. */
export const variable = ({ Env }: ImageConfig, name: string): string | undefined =>
  Env?.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);

/** Opens a workplace before the tests of this file and closes it after them. */
export function contractGround(open: () => Promise<Workplace & AsyncDisposable>): ContractGround {
  let workplace: Workplace & AsyncDisposable;
  beforeAll(async () => {
    workplace = await open();
  });
  afterAll(async () => await workplace[Symbol.asyncDispose]());

  const exec: Workplace['exec'] = async (argv, options) => await workplace.exec(argv, options);

  const attempt = async (...words: string[]): Promise<ExecResult> => await exec(['docker', ...words]);

  const docker = async (...words: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await attempt(...words);
    expect(exitCode, `docker ${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
    return stdout.trim();
  };

  return {
    exec,
    attempt,
    docker,
    async config(image) {
      return JSON.parse(await docker('image', 'inspect', '--format', '{{json .Config}}', image));
    },
    async logs(container) {
      const { stdout, stderr } = await attempt('logs', container);
      return stdout + stderr;
    },
    async started(...words) {
      const id = await docker('run', '--detach', ...words);
      return {
        id,
        async [Symbol.asyncDispose]() {
          await attempt('rm', '--force', '--volumes', id);
        },
      };
    },
    async stopped(container) {
      await docker('stop', '--time', '30', container);
      return Number(await docker('inspect', '--format', '{{.State.ExitCode}}', container));
    },
    async folderWith(name, files) {
      const folder = `/tmp/contract-${name}`;
      const write = async (script: string, text = ''): Promise<void> => {
        expect((await exec(['sh', '-c', script], { input: text })).exitCode, script).toBe(0);
      };
      await write(`rm -rf ${folder} && mkdir -m 755 ${folder}`);
      for (const [path, { text, mode = '644' }] of Object.entries(files)) {
        await write(`cat >"${folder}/${path}" && chmod ${mode} "${folder}/${path}"`, text);
      }
      return folder;
    },
    async unpack(folder, tar) {
      await workplace.writeTar(folder, tar);
    },
  };
}
