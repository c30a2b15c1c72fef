// The machine Slipway stands on: running its commands, finding its programs, installing Debian's packages.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from './progress.ts';

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs a program of this machine to its end; rejects with its last words if it fails. Gives its stdout. */
export async function runCommand(
  argv: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<string> {
  const [program, ...parameters] = argv;
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let stdout = '';
  let lastWords = '';
  const hear = (chunk: Buffer) => {
    const text = chunk.toString('utf8');
    lastWords = (lastWords + text).slice(-1_500);
    for (const line of text.split(/[\r\n]+/)) if (line.trim() !== '') options.onLine?.(line.trim());
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    hear(chunk);
  });
  child.stderr.on('data', hear);
  const code = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'unknown'));
  });
  if (code !== 0) throw new Error(`\`${argv.join(' ')}\` ended with ${code}: ${lastWords.trim()}`);
  return stdout;
}

/** The path of a program, looked for in PATH and in the places where root's programs live; undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Whether Debian's packages can be installed here: apt is present and we are root. */
export const canInstallPackages = (): boolean => isRoot() && findProgram('apt-get') !== undefined;

/** Present on Debian images that already keep packages from starting services; left alone then. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs Debian packages without letting them start a service: an engine installed for Slipway's private use
 * must not come up as the machine's own.
 */
export async function installPackages(names: readonly string[], step: Step): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const hadPolicy = existsSync(SERVICE_POLICY);
  step.at('reading the package lists');
  await runCommand(['apt-get', 'update'], { env });
  if (!hadPolicy) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    let count = 0;
    await runCommand(['apt-get', 'install', '-y', '--no-install-recommends', ...names], {
      env,
      onLine: (line) => {
        const doing = /^(Get:\d+|Unpacking|Setting up) ?(\S*)/.exec(line);
        if (doing === null) return;
        count += 1;
        step.at(
          line.startsWith('Get:') ? `downloading (${count})` : `${doing[1]?.toLowerCase()} ${doing[2]}`,
        );
      },
    });
  } finally {
    if (!hadPolicy) rmSync(SERVICE_POLICY, { force: true });
  }
}

/** The Debian mirror this machine uses, from its apt configuration; undefined if it has none. */
export async function debianMirror(): Promise<string | undefined> {
  if (findProgram('apt-get') === undefined) return undefined;
  const targets = await runCommand([
    'apt-get',
    'indextargets',
    '--format',
    '$(REPO_URI) $(ORIGIN) $(COMPONENT)',
  ]);
  return mirrorAmong(targets);
}

/** Picks Debian's main archive out of apt's index targets, one `URI ORIGIN COMPONENT` a line. */
export function mirrorAmong(indexTargets: string): string | undefined {
  const uris = indexTargets
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([uri, origin, component]) => uri !== undefined && origin === 'Debian' && component === 'main')
    .map(([uri]) => uri ?? '');
  return uris.find((uri) => !/security|updates/.test(uri))?.replace(/\/$/, '');
}

/** True if this machine's root is kept from raising resource limits, as in some virtual machines: containers must drop the capability too. */
export function lacksSysResource(): boolean {
  const line = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const CAP_SYS_RESOURCE = 24n;
  return line?.[1] !== undefined && (BigInt(`0x${line[1]}`) & (1n << CAP_SYS_RESOURCE)) === 0n;
}

/** When a process started, in clock ticks since boot: tells it from a later one with the same number. Undefined if there is none (or only a zombie). */
export function processStartTime(pid: number): string | undefined {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return afterName[0] === 'Z' ? undefined : afterName[19];
  } catch {
    return undefined;
  }
}
