// A learner is who their signed cookie says, and nobody else.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSessions, sessionKey } from './sessions.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-sessions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const key = Buffer.alloc(32, 7);

describe('a session', () => {
  it('is recognised among other cookies', () => {
    const sessions = createSessions(key);
    const { learner, setCookie } = sessions.issue({ secure: false });
    expect(learner).toMatch(/^[0-9a-f]{32}$/);
    expect(setCookie.replace(/=.*?;/, '=…;')).toBe(
      'slipway=…; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax',
    );
    const cookie = setCookie.split(';')[0];
    expect(sessions.learnerOf(`theme=dark; ${cookie}; other=1`)).toBe(learner);
    expect(createSessions(key).learnerOf(cookie)).toBe(learner);
    expect(sessions.issue({ secure: true }).setCookie).toMatch(/; Secure$/);
  });

  it('is not recognised if one character of it is changed, or another key signed it', () => {
    const sessions = createSessions(key);
    const { setCookie } = sessions.issue({ secure: false });
    const cookie = setCookie.split(';')[0] ?? '';
    expect(createSessions(Buffer.alloc(32, 8)).learnerOf(cookie)).toBeUndefined();
    fc.assert(
      fc.property(
        fc.nat(cookie.length - 10),
        fc.constantFrom('0', '1', 'f', 'Z', '.', '%'),
        (at, character) => {
          const place = 8 + at;
          fc.pre(cookie[place] !== undefined && cookie[place] !== character);
          const forged = cookie.slice(0, place) + character + cookie.slice(place + 1);
          expect(sessions.learnerOf(forged)).toBeUndefined();
        },
      ),
    );
    for (const header of [
      undefined,
      '',
      'slipway=',
      'slipway=.',
      '=',
      ';;;',
      `slipway=${'a'.repeat(5000)}`,
    ]) {
      expect(sessions.learnerOf(header)).toBeUndefined();
    }
  });
});

describe('the key', () => {
  it('is made once, and is its owner’s only', () => {
    const data = join(folder, 'data');
    const first = sessionKey(data);
    expect(first).toHaveLength(32);
    expect(sessionKey(data)).toEqual(first);
    expect(statSync(join(data, 'secret')).mode & 0o777).toBe(0o600);
    expect(readdirSync(data)).toEqual(['secret']);
  });

  it('is not replaced when it is damaged: that would make everyone a stranger', () => {
    writeFileSync(join(folder, 'secret'), 'short');
    expect(() => sessionKey(folder)).toThrow(
      /should hold 32 bytes, the key of the learners' cookies, but it holds 5/,
    );
  });
});
