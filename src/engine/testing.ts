// For engine tests: a real sandbox on the real private engine, gone when its `await using` ends.
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { type MachineRoom, openMachineRoom } from './machine-room.ts';
import { progressOn } from './progress.ts';
import type { Sandbox } from './spawner.ts';

const PROJECT_FOLDER = resolve(import.meta.dirname, '../..');

/** Every sandbox of one test run has an instance that begins with this; the suite fails if one remains. */
export const testInstancePrefix = (): string => `test-${process.env.SLIPWAY_TEST_RUN ?? 'single'}-`;

/** Where tests keep the engine and its images: the same as `npm start` by default, so that nothing is prepared twice. */
export const testDataFolder = (): string => process.env.SLIPWAY_DATA ?? join(PROJECT_FOLDER, '.slipway');

let opened: Promise<MachineRoom> | undefined;

/** This process's machine room, opened once. Rejects, with what to do, where none can be had. */
export async function openTestRoom(): Promise<MachineRoom> {
  opened ??= openMachineRoom({
    projectFolder: PROJECT_FOLDER,
    dataFolder: testDataFolder(),
    engineSocket: process.env.SLIPWAY_ENGINE?.replace(/^unix:\/\//, ''),
    instance: `${testInstancePrefix()}${process.pid}-${randomBytes(3).toString('hex')}`,
    canaryKey: randomBytes(32),
    progress: progressOn(process.stderr),
  }).then((answer) => {
    if (answer.state === 'ready') {
      process.env.SLIPWAY_BUSYBOX = answer.room.busybox;
      return answer.room;
    }
    throw new Error(`${answer.obstacle.message} ${answer.obstacle.next}`);
  });
  return await opened;
}

/** A fresh sandbox, with a lab's start files in place if one is named. */
export async function openTestSandbox(options: { lab?: string } = {}): Promise<Sandbox & AsyncDisposable> {
  const room = await openTestRoom();
  const HOUR_MS = 3_600_000;
  const sandbox = await room.spawner.spawn(
    { learner: 'test-learner', lab: options.lab ?? 'none', expiresAt: new Date(Date.now() + HOUR_MS) },
    new AbortController().signal,
  );
  return Object.assign(sandbox, { [Symbol.asyncDispose]: () => sandbox.remove() });
}
