// The site's files, the headers of every answer, and who is turned away at the door.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuards } from './guards.ts';
import { Learner, testServer } from './testing-server.ts';

let dist = '';
beforeAll(() => {
  dist = mkdtempSync(join(tmpdir(), 'slipway-dist-'));
  for (const folder of ['_astro', 'lessons/dockerfiles']) mkdirSync(join(dist, folder), { recursive: true });
  writeFileSync(join(dist, 'index.html'), '<h1>Course</h1>');
  writeFileSync(join(dist, 'lessons/dockerfiles/index.html'), '<h1>Dockerfiles</h1>');
  writeFileSync(join(dist, '404.html'), '<h1>No such page</h1>');
  writeFileSync(join(dist, '_astro/page.Ab12.js'), 'plain');
  writeFileSync(join(dist, '_astro/page.Ab12.js.gz'), gzipSync('small'));
  writeFileSync(join(dist, '.built-from'), 'secret');
});
afterAll(() => rmSync(dist, { recursive: true, force: true }));

describe('the site', () => {
  it('is served with what browsers need to be safe and quick', async () => {
    await using running = await testServer({ distFolder: dist });
    const home = await fetch(running.url);
    expect(await home.text()).toBe('<h1>Course</h1>');
    expect(Object.fromEntries(home.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(home.headers.get('content-security-policy')).toMatchInlineSnapshot(
      `"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"`,
    );
    expect(home.headers.get('set-cookie')).toBeNull();
    const lesson = await fetch(`${running.url}/lessons/dockerfiles/`);
    expect(await lesson.text()).toBe('<h1>Dockerfiles</h1>');
    const bare = await fetch(`${running.url}/lessons/dockerfiles`, { redirect: 'manual' });
    expect([bare.status, bare.headers.get('location')]).toEqual([301, '/lessons/dockerfiles/']);
    const script = await fetch(`${running.url}/_astro/page.Ab12.js`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(await script.text()).toBe('small');
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-type')).toContain('javascript');
    expect(script.headers.get('vary')).toContain('accept-encoding');
    const plain = await fetch(`${running.url}/_astro/page.Ab12.js`, {
      headers: { 'accept-encoding': 'identity' },
    });
    expect(await plain.text()).toBe('plain');
  });

  it('answers an address that leads nowhere with its own page', async () => {
    await using running = await testServer({ distFolder: dist });
    for (const path of [
      '/nowhere',
      '/_astro/gone.js',
      '/.built-from',
      '/..%2f..%2fetc/passwd',
      '/%00',
      '/%zz',
    ]) {
      const answer = await fetch(running.url + path);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      const text = await answer.text();
      expect(text).not.toContain('root:');
      expect(text).not.toContain('secret');
    }
    expect(await (await fetch(`${running.url}/nowhere`)).text()).toBe('<h1>No such page</h1>');
    const { server } = running;
    const { etag } = (await server.inject({ url: '/', headers: { host: 'localhost' } })).headers;
    const again = await server.inject({
      url: '/',
      headers: { host: 'localhost', 'if-none-match': String(etag) },
    });
    expect(again.statusCode).toBe(304);
  });
});

describe('the door', () => {
  it('gives a newcomer one cookie and keeps it', async () => {
    await using running = await testServer();
    const ada = await Learner.meet(running.url);
    expect(ada.cookie).toMatch(/^slipway=/);
    expect((await ada.ask('GET', '/api/status')).headers.get('set-cookie')).toBeNull();
    expect((await ada.ask('GET', '/api/status')).headers.get('cache-control')).toBe('no-store');
  });

  it('slows down who starts too often, and tells when to come back', async () => {
    await using running = await testServer({ rateLimits: { starts: 2, checks: 2, facts: 2 } });
    const ada = await Learner.meet(running.url);
    const bob = await Learner.meet(running.url);
    for (let count = 0; count < 2; count++) await ada.ask('POST', '/api/labs/one/sandbox');
    const refused = await ada.ask('POST', '/api/labs/one/sandbox');
    expect([refused.status, refused.json]).toMatchObject([429, { error: { code: 'too-many-requests' } }]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await bob.ask('POST', '/api/labs/one/sandbox')).status).toBe(201);
  });

  it('trusts the origin it is known by', () => {
    const local = createGuards({ host: '127.0.0.1', publicOrigin: undefined });
    for (const host of ['localhost:4321', '127.0.0.1:4321', '[::1]:4321', 'LOCALHOST']) {
      expect(local.hostAllowed(host)).toBe(true);
    }
    for (const host of [
      undefined,
      '',
      'evil.example:4321',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '::',
    ]) {
      expect(local.hostAllowed(host)).toBe(false);
    }
    expect(local.originAllowed('http://localhost:4321', 'localhost:4321')).toBe(true);
    for (const origin of [
      undefined,
      'null',
      '',
      'http://localhost:9999',
      'http://evil.example',
      'file://localhost:4321',
    ]) {
      expect(local.originAllowed(origin, 'localhost:4321')).toBe(false);
    }
    const known = createGuards({ host: '127.0.0.1', publicOrigin: 'https://docker.example.org' });
    expect(known.hostAllowed('docker.example.org')).toBe(true);
    expect(known.originAllowed('https://docker.example.org', '127.0.0.1:4321')).toBe(true);
    expect(known.secure).toBe(true);
    const open = createGuards({ host: '0.0.0.0', publicOrigin: undefined });
    expect(open.hostAllowed('classroom.example:4321')).toBe(true);
  });

  it('says which port is taken', async () => {
    await using running = await testServer();
    const port = new URL(running.url).port;
    await expect(testServer({ environment: { SLIPWAY_PORT: port } })).rejects.toThrow(
      `Port ${port} of 127.0.0.1 is taken by another program.`,
    );
  });
});
