// Runs one of Slipway's programs from a fresh checkout: brings the npm packages up to the lockfile, then starts it on Node 24.
// Plain JavaScript without imports from packages, because it is what installs them, and the Node that runs it may be old.
//
//   node src/start/on-node-24.mjs src/start/start.ts [arguments…]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const marker = join(root, 'node_modules/.slipway-installed');
const [program, ...parameters] = process.argv.slice(2);

if (program === undefined) {
  console.error('Say which program to run: node src/start/on-node-24.mjs src/start/start.ts');
  process.exit(2);
}
await install();
const node = findNode24();
if (node === undefined) {
  console.error(
    `Slipway runs on Node 24, and this is ${process.version} on ${process.platform}-${process.arch}, for which npm has no Node 24 package here. Install Node 24 and start again.`,
  );
  process.exit(1);
}
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, program), ...parameters], {
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}`,
    ASTRO_TELEMETRY_DISABLED: '1',
  },
});
// Ctrl-C reaches both; the program decides when it is done, and a signal sent to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));

async function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === lock) return;
  const startedAt = Date.now();
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  const title = 'Installing the npm packages and Node 24';
  const inPlace = process.stderr.isTTY === true;
  process.stderr.write(inPlace ? `… ${title}` : `… ${title}\n`);
  const beat = setInterval(
    () =>
      process.stderr.write(inPlace ? `\r\x1b[2K… ${title}  (${seconds()})` : `… ${title}  (${seconds()})\n`),
    inPlace ? 200 : 15_000,
  );
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it insists that the lockfile names the builds of every dependency for every other platform, which it
  // does not where a registry lacks some of them. This installs the same pinned versions and leaves the lockfile alone.
  const argv = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const headers = dirname(dirname(process.execPath));
  const run = spawn(...(npm?.endsWith('.js') ? [process.execPath, [npm, ...argv]] : ['npm', argv]), {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Native packages are built against the headers that Debian's Node brings, so that nothing more is downloaded.
    env: {
      ...process.env,
      ...(existsSync(join(headers, 'include/node/node_api.h')) ? { npm_config_nodedir: headers } : {}),
    },
  });
  let words = '';
  for (const stream of [run.stdout, run.stderr])
    stream.on('data', (chunk) => (words = (words + chunk).slice(-3000)));
  const code = await new Promise((done) => {
    run.on('error', (error) => {
      words += error.message;
      done(1);
    });
    run.on('close', done);
  });
  clearInterval(beat);
  if (code !== 0) {
    console.error(
      `${inPlace ? '\r\x1b[2K' : ''}✗ ${title}: npm install ended with ${code}.\n${words.trim()}\nCheck that the npm registry can be reached, then start again.`,
    );
    process.exit(1);
  }
  writeFileSync(marker, lock);
  console.error(`${inPlace ? '\r\x1b[2K' : ''}✓ ${title}  (${seconds()})`);
}

/** Node 24 as installed by npm from a platform package; else this Node, if it is new enough to run TypeScript. */
function findNode24() {
  const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`];
  const installed = names
    .map((name) => join(root, 'node_modules', name, 'bin/node'))
    .find((path) => existsSync(path));
  if (installed !== undefined) return installed;
  return Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : undefined;
}
