// `npm run bench [-- --json FILE]`: measures what a learner feels and what a machine pays, on the real product.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { WebSocket } from 'ws';
import { grade } from '../../grader/grade.ts';
import type { Lab } from '../../grader/lab.ts';
import { loadLabs } from '../../grader/load-labs.ts';
import { packOverlay } from '../../grader/pack.ts';
import { findProgram } from '../engine/machine.ts';
import { type MachineRoom, openMachineRoom } from '../engine/machine-room.ts';
import { progressOn } from '../engine/progress.ts';
import type { Sandbox } from '../engine/spawner.ts';
import { configuration } from './configuration.ts';
import { openHouse, projectFolder } from './house.ts';
import { buildSite } from './site.ts';

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
}

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const progress = progressOn(process.stderr);
const rows: Row[] = [];

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux`;
const config = configuration();
const dist = await buildSite(projectFolder, progress);
const data = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
const answer = await openMachineRoom({
  projectFolder,
  dataFolder: config.dataFolder,
  engineSocket: config.engineSocket,
  isolation: config.isolation,
  instance: `bench-${process.pid}`,
  canaryKey: randomBytes(32),
  progress,
});
if (answer.state === 'unavailable') {
  console.error(`${answer.obstacle.message} ${answer.obstacle.next}`);
  process.exit(1);
}
const { room } = answer;
process.env.SLIPWAY_BUSYBOX = room.busybox;
try {
  await coldStarts(room);
  await grades(room, await loadLabs(join(projectFolder, 'labs')));
  await served();
  pages();
} finally {
  for (const sandbox of await room.spawner.list()) await sandbox.remove();
  await room.close();
  rmSync(data, { recursive: true, force: true });
}
console.log(`\n${machine}\n`);
console.log(table());
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, results: rows }, undefined, 2)}\n`);
process.exit(0);

function add(name: string, unit: string, samples: readonly number[]): void {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  const round = (value: number) => Number(value.toPrecision(3));
  rows.push({ name, unit, n: sorted.length, p50: round(at(0.5)), p95: round(at(0.95)) });
  console.error(
    `  ${name}: p50 ${round(at(0.5))} ${unit}, p95 ${round(at(0.95))} ${unit} (n=${sorted.length})`,
  );
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const startedAt = performance.now();
  const result = await work();
  return { ms: performance.now() - startedAt, result };
}

async function spawn(room: MachineRoom, lab: string): Promise<Sandbox> {
  const expiresAt = new Date(Date.now() + 3_600_000);
  return await room.spawner.spawn({ learner: 'bench', lab, expiresAt }, new AbortController().signal);
}

/** From nothing to an engine that answers, and what a sandbox costs that does nothing. */
async function coldStarts(room: MachineRoom): Promise<void> {
  const ROUNDS = 15;
  const starts: number[] = [];
  const removals: number[] = [];
  const memory: number[] = [];
  const disk: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { ms, result: sandbox } = await timed(() => spawn(room, 'none'));
    starts.push(ms);
    memory.push((await room.engine.memoryBytes(`slipway-${sandbox.id}`)) / 1e6);
    const usage = await sandbox.exec([
      'du',
      '-sxk',
      '/var/lib/docker',
      '/var/lib/containerd',
      '/run',
      '/var/log',
    ]);
    disk.push(
      usage.stdout
        .trim()
        .split('\n')
        .reduce((sum, line) => sum + Number(line.split('\t')[0]), 0) / 1e3,
    );
    removals.push((await timed(() => sandbox.remove())).ms);
  }
  add('cold sandbox to its engine answering', 'ms', starts);
  add('removing a sandbox', 'ms', removals);
  add('idle sandbox: memory', 'MB', memory);
  add('idle sandbox: disk', 'MB', disk);
}

/** Grades of each lab's finished solution; and of the checks that only ask the engine. */
async function grades(room: MachineRoom, labs: ReadonlyMap<string, Lab>): Promise<void> {
  const ROUNDS = 7;
  for (const lab of labs.values()) {
    const sandbox = await spawn(room, lab.id);
    const folder = join(projectFolder, 'labs', lab.id, 'solution');
    for (const step of stepFolders(folder)) {
      await sandbox.writeTar(sandbox.folder, await packOverlay(step, ['solve.sh']));
      const script = join(step, 'solve.sh');
      if (!existsSync(script)) continue;
      await sandbox.exec(['bash', '-eu', '-s'], { input: readFileSync(script, 'utf8') });
    }
    const inspects: Lab = {
      ...lab,
      tasks: lab.tasks.map((task) => ({
        ...task,
        checks: task.checks
          .filter(({ cost }) => cost === 'inspect')
          .map((check) => ({ ...check, needs: [] })),
      })),
    };
    const quick: number[] = [];
    const whole: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      quick.push((await grade(inspects, sandbox)).ms);
      const report = await grade(lab, sandbox);
      const unmet = report.results.filter(({ status }) => status !== 'pass').map(({ id }) => id);
      if (unmet.length > 0) throw new Error(`The solution of ${lab.id} does not pass: ${unmet.join(', ')}.`);
      whole.push(report.ms);
    }
    add(`inspect-only grade, ${lab.id}`, 'ms', quick);
    add(`full grade, ${lab.id}`, 'ms', whole);
    await sandbox.remove();
  }
}

/** The steps of a solution, in order. */
function stepFolders(folder: string): string[] {
  const steps = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return steps.map((entry) => join(folder, entry.name)).sort();
}

/** The product as it is served: from a click to a prompt, from a key to its echo, floods and reconnects. */
async function served(): Promise<void> {
  const house = await openHouse(
    { ...config, dataFolder: data, port: 0, engineSocket: room.engine.socketPath },
    dist,
  );
  const url = await house.server.listen();
  const obstacle = await house.prepareLabs({ step: () => ({ at() {}, done() {}, failed() {} }) });
  if (obstacle !== undefined) throw new Error(obstacle.message);
  try {
    if (findProgram('chromium') === undefined)
      console.error('  Chromium is not installed: click to prompt is left out.');
    else await clicks(url);
    await terminals(url);
  } finally {
    await house.close();
  }
}

async function clicks(url: string): Promise<void> {
  const ROUNDS = 10;
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ],
  });
  const samples: number[] = [];
  const reloads: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      await page.goto(`${url}/labs/etl-dockerfile/`);
      const button = page.getByRole('button', { name: 'Start the lab' });
      await button.waitFor();
      const prompt = () =>
        page.waitForFunction(
          () => {
            type Shown = Element & {
              xterm?: {
                buffer: {
                  active: { getLine(row: number): { translateToString(trim: boolean): string } | undefined };
                };
              };
            };
            const line = (
              document.querySelector('docker-terminal') as Shown | null
            )?.xterm?.buffer.active.getLine(0);
            return line?.translateToString(true).includes('$') === true;
          },
          undefined,
          { polling: 10 },
        );
      samples.push(
        (
          await timed(async () => {
            await button.click();
            await prompt();
          })
        ).ms,
      );
      reloads.push(
        (
          await timed(async () => {
            await page.reload({ waitUntil: 'commit' });
            await prompt();
          })
        ).ms,
      );
      await page.evaluate(() => fetch('/api/labs/etl-dockerfile/sandbox', { method: 'DELETE' }));
      await context.close();
    }
  } finally {
    await browser.close();
  }
  add('click to prompt in the browser (cold sandbox)', 'ms', samples);
  add('reload of the page to its repainted screen', 'ms', reloads);
}

/** A terminal without a browser: what the server adds to a keystroke, and how much passes. */
async function terminals(url: string): Promise<void> {
  const me = await fetch(`${url}/api/me`);
  const cookie = (me.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const headers = { cookie, origin: url };
  await fetch(`${url}/api/labs/etl-dockerfile/sandbox`, { method: 'POST', headers });
  const open = async () => {
    const socket = new WebSocket(
      `${url.replace('http', 'ws')}/api/terminal?lab=etl-dockerfile&shell=1&cols=80&rows=24`,
      { headers },
    );
    const terminal = { socket, bytes: 0, tail: '', heard: () => {} };
    socket.on('message', (chunk: Buffer, isBinary: boolean) => {
      if (!isBinary) {
        if ((JSON.parse(chunk.toString('utf8')) as { type: string }).type === 'replay') terminal.bytes = 0;
        return;
      }
      terminal.bytes += chunk.length;
      terminal.tail = (terminal.tail + chunk.toString('latin1')).slice(-4_096);
      socket.send(JSON.stringify({ type: 'ack', bytes: terminal.bytes }));
      terminal.heard();
    });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return terminal;
  };
  const until = (terminal: Awaited<ReturnType<typeof open>>, condition: () => boolean) =>
    new Promise<void>((resolve) => {
      terminal.heard = () => {
        if (condition()) resolve();
      };
      terminal.heard();
    });
  const terminal = await open();
  await until(terminal, () => terminal.tail.includes('$ '));

  const KEYS = 300;
  const echoes: number[] = [];
  for (let key = 0; key < KEYS; key += 1) {
    const before = terminal.bytes;
    const { ms } = await timed(async () => {
      terminal.socket.send(Buffer.from('x'));
      await until(terminal, () => terminal.bytes > before);
    });
    echoes.push(ms);
    // Lines stay short: a wrapped one is redrawn, which is the shell's work and not ours.
    if (key % 40 === 39) {
      terminal.tail = '';
      terminal.socket.send(Buffer.from('\x15'));
      await until(terminal, () => terminal.tail !== '');
    }
  }
  add('keystroke to its echo, whole path without a browser', 'ms', echoes);

  const FLOOD_MB = 40;
  const floods: number[] = [];
  const interrupts: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    terminal.tail = '';
    terminal.socket.send(Buffer.from('\x15yes\r'));
    const from = terminal.bytes;
    const { ms } = await timed(() => until(terminal, () => terminal.bytes - from > FLOOD_MB * 1e6));
    floods.push(FLOOD_MB / (ms / 1000));
    interrupts.push(
      (
        await timed(async () => {
          terminal.socket.send(Buffer.from('\x03'));
          await until(terminal, () => terminal.tail.endsWith('$ '));
        })
      ).ms,
    );
  }
  add('terminal throughput, acknowledged', 'MB/s', floods);
  add('Ctrl-C in a flood to a prompt', 'ms', interrupts);
  terminal.socket.close();

  const reconnects: number[] = [];
  for (let round = 0; round < 15; round += 1) {
    const { ms, result } = await timed(async () => {
      const again = await open();
      await until(again, () => again.tail.includes('$'));
      return again;
    });
    reconnects.push(ms);
    result.socket.close();
  }
  add('reconnect to a repainted screen, without a browser', 'ms', reconnects);
  add('server process: memory after all that', 'MB', [process.memoryUsage.rss() / 1e6]);
  await fetch(`${url}/api/labs/etl-dockerfile/sandbox`, { method: 'DELETE', headers });
}

/** What a page weighs: its own HTML and the styles and scripts it names, gzipped. Fonts apart. */
function pages(): void {
  for (const [name, path] of [
    ['course page', 'index.html'],
    ['reading page, L04', 'learn/writing-dockerfiles/index.html'],
    ['lab page with terminal', 'labs/etl-dockerfile/index.html'],
  ] as const) {
    const seen = new Set<string>();
    const weigh = (file: string): number => {
      if (seen.has(file) || !existsSync(file)) return 0;
      seen.add(file);
      const text = readFileSync(file, 'utf8');
      const named = [
        ...text.matchAll(
          /(?:src|href)="(\/[^"]+\.(?:js|css))"|(?:import\(?|from)\s*["']\.\/([^"']+\.js)["']|["'](?:\.\/)?(_astro\/[^"']+\.(?:js|css))["']/g,
        ),
      ];
      const others = named.map(([, absolute, sibling, listed]) =>
        absolute !== undefined
          ? join(dist, absolute)
          : sibling !== undefined
            ? join(file, '..', sibling)
            : join(dist, listed ?? ''),
      );
      // The accelerated renderer is fetched only where there is a graphics card.
      return (
        gzipSync(text, { level: 9 }).length +
        others.filter((other) => !/webgl/i.test(other)).reduce((sum, other) => sum + weigh(other), 0)
      );
    };
    add(`${name}: HTML, CSS and JS, gzipped`, 'kB', [weigh(join(dist, path)) / 1e3]);
  }
}

function table(): string {
  const lines = rows.map(
    ({ name, unit, n, p50, p95 }) => `| ${name} | ${n} | ${p50} ${unit} | ${p95} ${unit} |`,
  );
  return ['| measure | n | p50 | p95 |', '|---|---|---|---|', ...lines].join('\n');
}
