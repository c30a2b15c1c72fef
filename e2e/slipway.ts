// A whole Slipway as its own process, on a free port and with a data folder of its own, stopped and started as a person would.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { openTestRoom } from '../src/engine/testing.ts';

const project = resolve(import.meta.dirname, '..');

export interface Slipway extends AsyncDisposable {
  readonly url: string;
  readonly dataFolder: string;
  /** Everything it printed since the last start. */
  output(): string;
  /** Ends the process (in good order, or not) and resolves when it is gone. */
  stop(signal?: 'SIGINT' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same port and data; resolves when labs can be done. */
  start(): Promise<void>;
}

/** Starts the product. With `engine: 'none'`, on an engine socket that is not there, so that only lessons are served. */
export async function startSlipway(
  options: { engine?: 'test' | 'none'; env?: Record<string, string> } = {},
): Promise<Slipway> {
  const { engine } = await openTestRoom();
  const dataFolder = mkdtempSync(join(tmpdir(), 'slipway-e2e-'));
  const socket = options.engine === 'none' ? join(dataFolder, 'no-engine.sock') : engine.socketPath;
  let child: ChildProcess | undefined;
  let url = '';
  let output = '';

  async function start(): Promise<void> {
    output = '';
    const port = url === '' ? '0' : new URL(url).port;
    const started = spawn(process.execPath, [join(project, 'src/start/start.ts')], {
      cwd: project,
      env: {
        ...process.env,
        SLIPWAY_DATA: dataFolder,
        SLIPWAY_ENGINE: `unix://${socket}`,
        SLIPWAY_PORT: port,
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    started.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    await new Promise<void>((resolve, reject) => {
      started.once('exit', (code) => reject(new Error(`Slipway ended with ${code}:\n${output}`)));
      if (started.stdout === null) return;
      createInterface({ input: started.stdout }).on('line', (line) => {
        output += `${line}\n`;
        url = /Slipway is at (\S+)/.exec(line)?.[1] ?? url;
        if (/The labs are ready|the labs can't be done yet/.test(line)) resolve();
      });
    });
    started.removeAllListeners('exit');
  }

  async function stop(signal: 'SIGINT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  await start();
  return {
    get url() {
      return url;
    },
    dataFolder,
    output: () => output,
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop();
      const instance = (await import('../src/engine/machine-room.ts')).instanceOf(dataFolder);
      for (const container of await engine.containersLabelled([`slipway.instance=${instance}`])) {
        await engine.removeContainer(container.id);
      }
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
