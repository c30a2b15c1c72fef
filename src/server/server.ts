// The server in one piece: site, API and terminals over a store, a set of labs and whatever engine there is.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Lab } from '../../grader/lab.ts';
import type { Spawner } from '../engine/spawner.ts';
import type { ServerStatus } from '../protocol.ts';
import type { Config } from './config.ts';
import type { EndReason } from './events.ts';
import { createGrading, type Grade } from './grading.ts';
import { createGuards } from './guards.ts';
import { createApp, furnish } from './http.ts';
import { addRoutes, RATE_LIMITS, type RateLimits } from './routes.ts';
import { createSandboxes, type SandboxesOptions } from './sandboxes.ts';
import { createSessions, sessionKey } from './sessions.ts';
import type { Store } from './store.ts';
import { createTerminalSocket } from './terminal-socket.ts';
import { createTerminals } from './terminals.ts';

/** Whether labs can be done here, as far as whoever prepares the engine knows. */
export type Labs =
  | { readonly state: 'ready'; readonly spawner: Spawner; readonly isolation: 'userns' | 'privileged' }
  | { readonly state: 'preparing'; readonly message: string; readonly next?: string }
  | { readonly state: 'unavailable'; readonly message: string; readonly next: string };

export interface ServerOptions {
  readonly config: Config;
  /** Stays open when the server closes; it belongs to the caller. */
  readonly store: Store;
  readonly labs: ReadonlyMap<string, Lab>;
  readonly grade: Grade;
  /** The built site. Without one, only `/api/*` is served. */
  readonly distFolder?: string;
  /** Slugs of the lessons there are; without it any well-formed one is taken. */
  readonly lessons?: ReadonlySet<string>;
  readonly rateLimits?: RateLimits;
  /** Paces of the sandboxes' keeper, for tests. */
  readonly paces?: Pick<SandboxesOptions, 'now' | 'startDeadlineMs' | 'sweepEveryMs' | 'retryEveryMs'>;
}

export interface Server {
  /** Binds to the configured address and resolves with the site's URL. */
  listen(): Promise<string>;
  /**
   * Says how labs stand from now on; lessons are served whatever it says. For `ready` it resolves when the sandboxes
   * that already live are usable again; an engine that doesn't answer is asked again until it does, in the background.
   */
  labsAre(labs: Labs): Promise<void>;
  readonly status: ServerStatus;
  /** Answers one request without a listening socket of our own (as `astro dev` does). */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Answers an upgrade for a terminal; false if it asks for something else. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Requests without a network, for tests. */
  readonly inject: FastifyInstance['inject'];
  /** Stops in good order: screens on disk, sandboxes frozen for the next start, no socket left. */
  close(): Promise<void>;
}

export async function createServer(options: ServerOptions): Promise<Server> {
  const { config, store, labs } = options;
  const guards = createGuards(config);
  const sessions = createSessions(sessionKey(config.dataFolder));
  let stated: Labs = {
    state: 'preparing',
    message: 'The labs are being prepared. The lessons are here already.',
  };
  let isolation: 'userns' | 'privileged' | undefined;
  let closing: Promise<void> | undefined;

  const status = (): ServerStatus => {
    if (stated.state !== 'ready') {
      const { state, message, next } = stated;
      return { labs: state, message, ...(next === undefined ? {} : { next }) };
    }
    if (sandboxes.engine === 'ready') return { labs: 'ready', isolation: stated.isolation };
    if (sandboxes.engine === 'absent')
      return { labs: 'preparing', message: 'Looking for labs that were left open.' };
    return {
      labs: 'unavailable',
      message: 'The Docker engine that runs the labs does not answer at the moment. Your progress is safe.',
      next: 'Nothing to do: the page goes on by itself when the engine is back.',
      ...(isolation === undefined ? {} : { isolation }),
    };
  };

  const app = createApp(config.logLevel);
  const { log } = app;
  const terminals = createTerminals({ folder: join(config.dataFolder, 'screens'), log });
  const grading = createGrading({ grade: options.grade, store, log });
  const sandboxes = createSandboxes({
    capacity: config.capacity,
    labMinutes: config.labMinutes,
    record: (learner, event) => store.append(learner, [event]),
    gone(sandbox, reason) {
      terminals.forget(sandbox.id, GONE[reason]);
      void grading.stop(sandbox.id);
    },
    expiring(sandbox, minutes) {
      const message = `This container ends in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}. Tasks that passed stay passed; files in it do not outlive it.`;
      terminals.announce(sandbox.id, { type: 'notice', level: 'warning', message });
    },
    adopted: (living) => terminals.keepOnly(living),
    log,
    ...options.paces,
  });
  const socket = createTerminalSocket({ guards, sessions, sandboxes, terminals, log });
  await furnish(app, {
    guards,
    sessions,
    distFolder: options.distFolder,
    routes: (api) =>
      addRoutes(api, {
        labs,
        lessons: options.lessons,
        store,
        sandboxes,
        grading,
        status,
        rateLimits: options.rateLimits ?? RATE_LIMITS,
      }),
  });
  const upgrade = (request: IncomingMessage, connection: Duplex, head: Buffer) =>
    socket.upgrade(request, connection, head);
  app.server.on('upgrade', (request, connection, head) => {
    if (!upgrade(request, connection, head)) connection.destroy();
  });

  async function close(): Promise<void> {
    await grading.stop();
    await terminals.close();
    socket.close();
    await sandboxes.close();
    await app.close();
  }

  return {
    async listen() {
      try {
        await app.listen({ host: config.host, port: config.port });
      } catch (cause) {
        throw listenFailure(config, cause);
      }
      if (config.publicOrigin !== undefined) return config.publicOrigin;
      const address = app.server.address();
      const port = typeof address === 'object' && address !== null ? address.port : config.port;
      const host = config.host.includes(':') ? `[${config.host}]` : config.host;
      return `http://${host}:${port}`;
    },
    async labsAre(next) {
      stated = next;
      if (next.state !== 'ready') return;
      isolation = next.isolation;
      try {
        await sandboxes.adopt(next.spawner);
      } catch (error) {
        log.warn(error, 'The engine does not answer yet');
      }
    },
    get status() {
      return status();
    },
    handle: (request, response) => app.routing(request, response),
    upgrade,
    inject: app.inject.bind(app),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** What a page hears in its terminal when its sandbox is no more. */
const GONE: Readonly<Record<EndReason | 'reset', string>> = {
  learner: 'You ended this lab. Your progress is kept.',
  reset: 'This lab was reset; a fresh container takes its place.',
  expired: 'The time of this container is over. Your progress is kept.',
  'out-of-memory': 'This container ran out of memory and was stopped.',
  exited: 'This container stopped by itself.',
  'engine-lost': 'The engine was restarted and this container did not survive it.',
  vanished: 'This container was removed from outside.',
};

function listenFailure({ host, port }: Config, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EADDRINUSE') {
    return new Error(
      `Port ${port} of ${host} is taken by another program. Stop it, or choose another port: SLIPWAY_PORT=${port + 1}.`,
      { cause },
    );
  }
  if (code === 'EACCES') {
    return new Error(`Port ${port} of ${host} needs more rights than this user has. Choose one above 1023.`, {
      cause,
    });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new Error(`SLIPWAY_HOST is ${host}, which is no address of this machine.`, { cause });
  }
  return new Error(`The site could not be served on ${host}:${port}.`, { cause });
}
