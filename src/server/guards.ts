// Who may talk to the server at all: the host names it goes by, the origins it trusts, the headers it sends.
import { isIP } from 'node:net';
import type { Config } from './config.ts';

export interface Guards {
  /** False for a name that this server does not go by: a web page elsewhere that made its own name point here. */
  hostAllowed(host: string | undefined): boolean;
  /** True only for the site's own pages. A request without an Origin is not from one. */
  originAllowed(origin: string | undefined, host: string | undefined): boolean;
  /** True if learners reach the site by https, so cookies must never travel otherwise. */
  readonly secure: boolean;
}

export function createGuards({ host, publicOrigin }: Pick<Config, 'host' | 'publicOrigin'>): Guards {
  const publicUrl = publicOrigin === undefined ? undefined : new URL(publicOrigin);
  const local = isLoopback(host);
  return {
    hostAllowed(header) {
      const name = hostName(header);
      if (name === undefined) return false;
      if (name === publicUrl?.hostname) return true;
      // Bound to an address that others reach, it goes by names that only its owner knows.
      return !local || isLoopback(name);
    },
    originAllowed(origin, header) {
      if (origin === undefined) return false;
      if (origin === publicOrigin) return true;
      const url = URL.parse(origin);
      return (
        url !== null &&
        /^https?:$/.test(url.protocol) &&
        header !== undefined &&
        url.host === header.toLowerCase()
      );
    },
    secure: publicUrl?.protocol === 'https:',
  };
}

function isLoopback(name: string): boolean {
  const plain = name.replace(/^\[|\]$/g, '');
  return plain === 'localhost' || plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

function hostName(header: string | undefined): string | undefined {
  return header === undefined ? undefined : URL.parse(`http://${header}`)?.hostname;
}

/**
 * Sent with every answer. Inline styles stay allowed because highlighted code and the terminal set colours with them;
 * scripts come from our own files only, and no other site may frame a page.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
