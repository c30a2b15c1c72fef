// Who a browser is: an unguessable name in a signed cookie, and nothing else.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Sessions {
  /** The learner that a Cookie header names, or undefined if it names none or was not signed by us. */
  learnerOf(cookieHeader: string | undefined): string | undefined;
  /** A new learner and the Set-Cookie value that makes a browser be them for a year. */
  issue(options: { readonly secure: boolean }): { readonly learner: string; readonly setCookie: string };
}

export const SESSION_COOKIE = 'slipway';
/** A year: a course is often taken up again months later. */
const MAX_AGE_SECONDS = 365 * 24 * 60 * 60;
const KEY_BYTES = 32;

/** Sessions signed with a key; whoever holds the key can be any learner. */
export function createSessions(key: Uint8Array): Sessions {
  const signature = (learner: string) =>
    createHmac('sha256', key).update(`learner ${learner}`).digest('base64url');
  return {
    learnerOf(cookieHeader) {
      const match = /^([0-9a-f]{32})\.([A-Za-z0-9_-]{43})$/.exec(
        cookieNamed(cookieHeader, SESSION_COOKIE) ?? '',
      );
      const [, learner, signed] = match ?? [];
      if (learner === undefined || signed === undefined) return undefined;
      // As text, because more than one text decodes to the same bytes.
      const given = Buffer.from(signed);
      const right = Buffer.from(signature(learner));
      return given.length === right.length && timingSafeEqual(given, right) ? learner : undefined;
    },
    issue({ secure }) {
      const learner = randomBytes(16).toString('hex');
      const value = `${learner}.${signature(learner)}`;
      const setCookie = `${SESSION_COOKIE}=${value}; Max-Age=${MAX_AGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
      return { learner, setCookie };
    },
  };
}

/**
 * The key in `<folder>/secret`, made the first time, readable by its owner only. Two processes that start at once
 * agree on one key: it is written aside and linked into place, and whoever comes second reads the first's.
 */
export function sessionKey(folder: string): Uint8Array {
  const file = join(folder, 'secret');
  mkdirSync(folder, { recursive: true });
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  const written = readKey(file);
  if (written !== undefined) return written;
  writeFileSync(aside, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(aside, file);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  const key = readKey(file);
  if (key === undefined) throw new Error(`${file} was there a moment ago and is gone; start again.`);
  return key;
}

function readKey(file: string): Uint8Array | undefined {
  let key: Uint8Array;
  try {
    key = readFileSync(file);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw new Error(`${file} holds the key of the learners' cookies and can't be read.`, { cause: error });
  }
  if (key.length !== KEY_BYTES) {
    throw new Error(
      `${file} should hold ${KEY_BYTES} bytes, the key of the learners' cookies, but it holds ${key.length}. Put the right file back from a backup; or remove it, and every learner begins as a new one.`,
    );
  }
  return key;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function cookieNamed(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (const part of header.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}
