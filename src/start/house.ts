// Puts the house together: configuration, store, labs and server at once, and the engine below them as soon as it is there.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { grade } from '../../grader/grade.ts';
import { loadLabs } from '../../grader/load-labs.ts';
import { type MachineRoom, openMachineRoom } from '../engine/machine-room.ts';
import type { Progress } from '../engine/progress.ts';
import type { Config } from '../server/config.ts';
import { createServer, type Server } from '../server/server.ts';
import { openStore } from '../server/store.ts';

export const projectFolder = resolve(import.meta.dirname, '../..');

export interface House {
  readonly server: Server;
  /** Brings the engine and its images up and tells the server. Never rejects: an obstacle is told to the server and returned. */
  prepareLabs(progress: Progress): Promise<{ readonly message: string; readonly next: string } | undefined>;
  /** Stops in good order. Sandboxes are frozen for the next start to adopt; the engine stops unless another process uses it. */
  close(): Promise<void>;
}

export async function openHouse(config: Config, distFolder?: string): Promise<House> {
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o711 });
  const store = await openStore(join(config.dataFolder, 'slipway.db'));
  const labs = await loadLabs(join(projectFolder, 'labs'));
  const server = await createServer({
    config,
    store,
    labs,
    grade,
    lessons: lessonSlugs(),
    ...(distFolder === undefined ? {} : { distFolder }),
  });
  let room: MachineRoom | undefined;
  return {
    server,
    async prepareLabs(progress) {
      try {
        const answer = await openMachineRoom({
          projectFolder,
          dataFolder: config.dataFolder,
          engineSocket: config.engineSocket,
          isolation: config.isolation,
          canaryKey: canaryKey(config.dataFolder),
          progress: tellingServer(progress, server),
        });
        if (answer.state === 'unavailable') {
          await server.labsAre({ state: 'unavailable', ...answer.obstacle });
          return answer.obstacle;
        }
        room = answer.room;
        process.env.SLIPWAY_BUSYBOX = room.busybox;
        await server.labsAre({ state: 'ready', spawner: room.spawner, isolation: room.isolation });
        return undefined;
      } catch (error) {
        const obstacle = {
          message: `The labs could not be prepared: ${sentences(error)}`,
          next: 'Mend what it names and start Slipway again; npm run doctor says what is here and what is missing.',
        };
        await server.labsAre({ state: 'unavailable', ...obstacle });
        return obstacle;
      }
    },
    async close() {
      await server.close();
      await store.close();
      await room?.close();
    },
  };
}

/** An error and what caused it, in one line. */
export function sentences(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} ${sentences(error.cause)}`;
}

/** Progress that is also told to whoever opens a lab page meanwhile. */
function tellingServer(progress: Progress, server: Server): Progress {
  return {
    step(title) {
      const step = progress.step(title);
      const tell = (detail: string) =>
        void server.labsAre({
          state: 'preparing',
          message: `${title}${detail === '' ? '' : ` — ${detail}`}. The lessons are here already.`,
          next: 'The page goes on by itself when it is done.',
        });
      tell('');
      return {
        at(detail) {
          step.at(detail);
          tell(detail);
        },
        done: (result) => step.done(result),
        failed: (reason) => step.failed(reason),
      };
    },
  };
}

function lessonSlugs(): Set<string> {
  const content = join(projectFolder, 'content');
  const folders = readdirSync(content, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return new Set(
    folders.flatMap((module) =>
      readdirSync(join(content, module.name), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((lesson) => lesson.name.replace(/^\d+-/, '')),
    ),
  );
}

/** The key that canaries are derived from, made once. */
export function canaryKey(dataFolder: string): Uint8Array {
  const path = join(dataFolder, 'canary-key');
  if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600, flag: 'wx' });
  return readFileSync(path);
}
