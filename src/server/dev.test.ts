// Under `npm run dev`, pages come from Astro and everything below /api/ from our server, on one port.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Learner } from './testing-server.ts';

const here = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

/** Astro's dev server takes itself for a test's when it runs in one, so it runs in a process of its own. */
function script(root: string): string {
  return `
    import { join } from 'node:path';
    import { dev } from 'astro';
    const { devServer } = await import(${here('./dev.ts')});
    const { createServer } = await import(${here('./server.ts')});
    const { readConfig } = await import(${here('./config.ts')});
    const { openStore } = await import(${here('./store.ts')});
    const { FakeSpawner } = await import(${here('./testing.ts')});
    const root = ${JSON.stringify(root)};
    const site = await dev({
      root,
      configFile: false,
      logLevel: 'silent',
      server: { port: 0 },
      integrations: [devServer(async () => {
        const config = readConfig({ SLIPWAY_DATA: join(root, 'data'), SLIPWAY_LOG: 'silent' });
        const labs = new Map([['one', { id: 'one', tasks: [] }]]);
        const server = await createServer({ config, store: openStore(':memory:'), labs, grade: async () => {} });
        await server.labsAre({ state: 'ready', spawner: new FakeSpawner(), isolation: 'userns' });
        return server;
      })],
    });
    console.log(site.address.port);
    process.once('SIGINT', () => site.stop().then(() => process.exit(0)));`;
}

it('serves pages by Astro, and the API and the terminals by the server', { timeout: 60_000 }, async () => {
  const cache = resolve(import.meta.dirname, '../../node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  // Inside the project, so that Astro finds its own packages.
  const root = mkdtempSync(join(cache, 'slipway-dev-'));
  mkdirSync(join(root, 'src/pages'), { recursive: true });
  writeFileSync(join(root, 'src/pages/index.astro'), '<h1>A page</h1>');
  const { NODE_ENV: _test, VITEST: _vitest, ...environment } = process.env;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script(root)], {
    cwd: resolve(import.meta.dirname, '../..'),
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    const port = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        const found = /^\d+$/m.exec(chunk.toString());
        if (found !== null) resolve(found[0]);
      });
      child.once('close', (code) => reject(new Error(`It ended with ${code}.`)));
    });
    const url = `http://localhost:${port}`;
    expect(await (await fetch(url)).text()).toContain('>A page</h1>');
    const ada = await Learner.meet(url);
    expect((await ada.ask('GET', '/api/status')).json).toEqual({ labs: 'ready', isolation: 'userns' });
    expect((await ada.ask('POST', '/api/labs/one/sandbox')).status).toBe(201);
    const terminal = await ada.terminal('one');
    terminal.type('echo through $NOTHING.\r');
    await terminal.shows('through .');
  } finally {
    child.kill('SIGINT');
    await ended;
    rmSync(root, { recursive: true, force: true });
  }
  expect(await ended).toBe(0);
});
