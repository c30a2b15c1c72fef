// Where the server says what it does: quiet unless asked, to standard error, never a secret.
import type { FastifyBaseLogger } from 'fastify';
import type { LogLevel } from './config.ts';

/** The part of a logger that Slipway uses: an error or details first, then a sentence. */
export type Log = Pick<FastifyBaseLogger, 'debug' | 'info' | 'warn' | 'error'>;

/**
 * Options of Fastify's logger: JSON lines to standard error, so that standard output stays the commands' own.
 * Of a request it keeps the method and the path; cookies and bodies never reach it.
 */
export function logOptions(level: LogLevel) {
  return {
    level,
    stream: process.stderr,
    serializers: {
      req: (request: { method: string; url: string }) => ({ method: request.method, url: request.url }),
    },
  };
}

/** A log that nobody reads. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
