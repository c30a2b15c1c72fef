// What answers over HTTP: the site's files, `/api/*`, and the one door where errors become statuses.
import rateLimit from '@fastify/rate-limit';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import type { LogLevel } from './config.ts';
import { type Guards, SECURITY_HEADERS } from './guards.ts';
import { logOptions } from './log.ts';
import { internalRefusal, Refusal } from './refusal.ts';
import type { Sessions } from './sessions.ts';
import { notFoundPage, serveSite } from './site-files.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for every request below `/api/`. */
    learner: string;
  }
}

/** The largest body that any request has a use for is a few hundred bytes. */
const BODY_MAX_BYTES = 64 * 1024;
const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

export interface HttpOptions {
  readonly guards: Guards;
  readonly sessions: Sessions;
  /** Without one (under `astro dev`), only `/api/*` is served. */
  readonly distFolder: string | undefined;
  /** Adds the routes below `/api/`. */
  readonly routes: (api: FastifyInstance) => void;
}

/** An app with a logger and nothing else; `furnish` makes it the server. */
export function createApp(logLevel: LogLevel): FastifyInstance {
  return fastify({
    logger: logLevel === 'silent' ? false : logOptions(logLevel),
    bodyLimit: BODY_MAX_BYTES,
    forceCloseConnections: true,
  });
}

/** Gives an app its guards, routes and files; it is ready then, and does not listen yet. */
export async function furnish(app: FastifyInstance, options: HttpOptions): Promise<void> {
  const { guards, sessions, distFolder } = options;
  app.decorateRequest('learner', '');
  const nowhere = distFolder === undefined ? undefined : await notFoundPage(distFolder);

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    const { host, origin } = request.headers;
    if (!guards.hostAllowed(host)) {
      throw new Refusal('wrong-origin', 'This server does not go by that name.', {
        next: 'Open it by the address that was printed when it started, or set SLIPWAY_ORIGIN.',
      });
    }
    if (CHANGING.has(request.method) && !guards.originAllowed(origin, host)) {
      throw new Refusal(
        'wrong-origin',
        'Only the pages of this site may change anything here. Nothing was changed.',
      );
    }
    if (!request.url.startsWith('/api/')) return;
    reply.header('cache-control', 'no-store');
    const known = sessions.learnerOf(request.headers.cookie);
    if (known !== undefined) {
      request.learner = known;
      return;
    }
    const { learner, setCookie } = sessions.issue({ secure: guards.secure });
    request.learner = learner;
    reply.header('set-cookie', setCookie);
  });

  app.setErrorHandler((error: FastifyError | Refusal, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    reply.status(404);
    if (request.url.startsWith('/api/')) {
      return reply.send(new Refusal('bad-request', 'There is nothing at this address.').problem);
    }
    if (nowhere !== undefined) return reply.type('text/html; charset=utf-8').send(nowhere);
    return reply.type('text/plain; charset=utf-8').send('There is no page at this address.\n');
  });

  // A page's own beacons come without a body, or with one that says it is text.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(body.toString()));
    } catch (cause) {
      done(new Refusal('bad-request', 'What was sent is not JSON. Nothing was changed.', { cause }));
    }
  });

  await app.register(rateLimit, {
    global: false,
    keyGenerator: (request) => request.learner,
    errorResponseBuilder: (_request, { ttl }) =>
      new Refusal('too-many-requests', 'That was asked for too often in a short time. Nothing was lost.', {
        next: `Wait ${Math.ceil(ttl / 1000)} seconds and try again.`,
        retryAfterSeconds: Math.ceil(ttl / 1000),
      }),
  });
  await app.register(async (api) => options.routes(api), { prefix: '/api' });
  if (distFolder !== undefined) await serveSite(app, distFolder);
  await app.ready();
}

/** The one place where an error becomes a status and a `Problem`. Nothing of our own inside leaves through it. */
function answerError(
  error: FastifyError | Refusal,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Refusal) {
    if (error.code === 'internal') request.log.error(error.cause ?? error, 'A request failed');
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
    return reply.status(error.status).send(error.problem);
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    const message =
      status === 413
        ? `What was sent is larger than ${BODY_MAX_BYTES / 1024} KiB. Nothing was changed.`
        : status === 415
          ? 'What was sent should be JSON. Nothing was changed.'
          : 'This request could not be understood. Nothing was changed.';
    return reply.status(status).send(new Refusal('bad-request', message).problem);
  }
  request.log.error(error, 'A request failed');
  return reply.status(500).send(internalRefusal(error).problem);
}
