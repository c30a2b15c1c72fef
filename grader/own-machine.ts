// Your own machine as a workplace: your Docker engine over its unix socket, your project folder, your commands.
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import type { ExecOptions, ExecResult, Workplace } from './workplace.ts';

/** Output kept of one command, as in a sandbox. */
const OUTPUT_MOST_BYTES = 4 * 1024 * 1024;
const USUAL_SOCKET = '/var/run/docker.sock';

/** There is no engine here that can be asked. The message says what to do. */
export class NoEngine extends Error {
  override readonly name = 'NoEngine';
}

/** A workplace on this machine. Throws `NoEngine` if its engine has no unix socket here. */
export async function ownMachine(folder: string): Promise<Workplace> {
  const socket = socketOf(await engineHost());
  const key = canaryKey();
  return {
    folder,
    dial: () => connect(socket),
    exec: (argv, options) =>
      run(argv, { cwd: folder, ...options, env: { DOCKER_HOST: `unix://${socket}`, ...options?.env } }),
    readTar: async (path, signal) => tarOf(path, signal),
    writeTar: async (target, tar) => {
      const outcome = await run(['tar', '-xf', '-'], { cwd: target, input: await bytes(tar) });
      if (outcome.exitCode !== 0) throw new Error(`Files could not be put into ${target}: ${outcome.stderr}`);
    },
    canary: (name) => createHmac('sha256', key).update(name).digest('hex').slice(0, 32),
  };
}

/** The address of the engine that the docker command would talk to. */
async function engineHost(): Promise<string> {
  if (process.env.DOCKER_HOST) return process.env.DOCKER_HOST;
  const asked = await run(
    ['docker', 'context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'],
    {},
  ).catch(
    // Without a docker command there is no context; the usual socket may be there all the same.
    () => undefined,
  );
  const host = asked?.exitCode === 0 ? asked.stdout.trim() : '';
  return host === '' ? `unix://${USUAL_SOCKET}` : host;
}

/** The path in a `unix://` address of a socket that is there. Throws `NoEngine` for everything else. */
export function socketOf(host: string): string {
  if (!host.startsWith('unix://'))
    throw new NoEngine(
      `Your docker command talks to ${host}. Grading reads files beside the engine, so it needs one on this machine: set DOCKER_HOST=unix:///path/to/docker.sock.`,
    );
  const socket = host.slice('unix://'.length);
  if (!existsSync(socket) || !statSync(socket).isSocket())
    throw new NoEngine(
      `There is no Docker engine at ${socket}. Start Docker, or name another socket: DOCKER_HOST=unix:///path/to/docker.sock.`,
    );
  return socket;
}

/** The key that this user's canaries come from, made once: what the start files plant, a later grade finds again. */
function canaryKey(): Uint8Array {
  const folder = join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'slipway');
  const path = join(folder, 'canary-key');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600, flag: 'wx' });
  return readFileSync(path);
}

function tarOf(path: string, signal?: AbortSignal): Readable {
  if (!existsSync(path)) throw Object.assign(new Error(`There is no ${path}.`), { statusCode: 404 });
  const child = spawn('tar', ['-C', dirname(path), '-cf', '-', basename(path)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    ...(signal === undefined ? {} : { signal }),
  });
  const tar = new PassThrough();
  child.stdout.pipe(tar, { end: false });
  child.once('error', (error) => tar.destroy(error));
  child.once('close', (code) => {
    if (code === 0) tar.end();
    else tar.destroy(new Error(`${path} could not be read.`));
  });
  return tar;
}

async function run(argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const stdout = collected(child.stdout);
  const stderr = collected(child.stderr);
  // A command that does not read its input closes it: that is its right.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  return {
    exitCode,
    stdout: stdout.text(),
    stderr: stderr.text(),
    truncated: stdout.isTruncated() || stderr.isTruncated(),
  };
}

function collected(stream: Readable) {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < OUTPUT_MOST_BYTES) chunks.push(chunk.subarray(0, OUTPUT_MOST_BYTES - size));
    size += chunk.length;
  });
  return {
    text: () => Buffer.concat(chunks).toString('utf8'),
    isTruncated: () => size > OUTPUT_MOST_BYTES,
  };
}

async function bytes(tar: Readable | Uint8Array): Promise<Uint8Array> {
  if (tar instanceof Uint8Array) return tar;
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
