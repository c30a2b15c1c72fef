// The private engine: a dockerd of Slipway's own, under its data folder, that leaves the machine's own Docker alone.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findProgram, isRoot, processStartTime, runCommand } from './machine.ts';
import { OuterEngine } from './outer-engine.ts';

/** Longest path a unix socket may have on Linux, less what dockerd and containerd append to the engine's folder. */
const FOLDER_MAX_LENGTH = 104 - '/exec/containerd/containerd-debug.sock.ttrpc'.length;
/** Kept of the engine's log from one start to the next; more is cut at a start, in bytes. */
const LOG_MAX_BYTES = 1024 * 1024;
/** A dockerd that has not answered after this long will not, in ms: its log is shown. With thousands of images it takes 2–3 s. */
const START_TIMEOUT_MS = 60_000;
/** How long dockerd may take to stop, in ms. Sandboxes are frozen before, so nothing is waited for inside. */
const STOP_TIMEOUT_MS = 20_000;

/** The first bridge address is taken from here; /24s no common default uses. */
const BRIDGE_SUBNETS = ['172.31.250', '172.31.251', '10.213.79', '10.213.80', '192.168.213'];

interface Places {
  /** Where the engine's files lie. */
  readonly home: string;
  /** The path by which the engine reaches them: the same, or a mount of it. */
  readonly folder: string;
  readonly socket: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidFile: string;
  readonly log: string;
  readonly users: string;
  readonly bridge: string;
}

function placesUnder(dataFolder: string): Places {
  const home = join(resolve(dataFolder), 'engine');
  // Interface names have 15 letters at most.
  const name = `slipway-${createHash('sha256').update(home).digest('hex').slice(0, 6)}`;
  const folder = isReachable(home) ? home : `/run/${name}`;
  return {
    home,
    folder,
    socket: join(folder, 'docker.sock'),
    dataRoot: join(folder, 'data'),
    execRoot: join(folder, 'exec'),
    pidFile: join(folder, 'docker.pid'),
    log: join(folder, 'dockerd.log'),
    users: join(folder, 'users'),
    bridge: name,
  };
}

/**
 * Whether the engine can use a folder by its own path: short enough for its sockets, and below folders that others may
 * pass through, as the remapped root is one of those others. A checkout in /root is not.
 */
function isReachable(folder: string): boolean {
  if (folder.length > FOLDER_MAX_LENGTH) return false;
  for (let at = dirname(folder); at !== '/'; at = dirname(at)) {
    const facts = statSync(at, { throwIfNoEntry: false });
    if (facts !== undefined && (facts.mode & 0o001) === 0) return false;
  }
  return true;
}

/** Mounts the engine's folder at a path it can use, if its own is not one. */
async function makeReachable(places: Places): Promise<void> {
  mkdirSync(places.home, { recursive: true, mode: 0o711 });
  if (places.folder === places.home || mountsBelow(places.folder).includes(places.folder)) return;
  mkdirSync(places.folder, { recursive: true, mode: 0o711 });
  await runCommand(['mount', '--bind', places.home, places.folder]);
}

/** Mount points at a path and below, in the order they were mounted. */
function mountsBelow(path: string): string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return points.filter((point) => point === path || point.startsWith(`${path}/`));
}

/** A running private engine, held by this process among others. */
export interface PrivateEngine {
  readonly engine: OuterEngine;
  /** Interface and subnet that containers with a network get; without a way out until `withInternet` opens one. */
  readonly bridge: { readonly name: string; readonly subnet: string };
  /** The remapped root's uid and gid on this machine. */
  readonly remappedRoot: number;
  /** True if this call started it rather than found it running. */
  readonly started: boolean;
  /** Lets go of the engine; the last process to let go stops it. Frozen containers stay and are found by the next start. */
  release(): Promise<void>;
}

/** Starts the private engine under `dataFolder`, or joins the one that runs there already. Needs root and an installed dockerd. */
export async function openPrivateEngine(dataFolder: string): Promise<PrivateEngine> {
  const places = placesUnder(dataFolder);
  if (!isRoot())
    throw new Error('The private engine needs root: it hands cgroups to containers and mounts their layers.');
  const dockerd = findProgram('dockerd');
  if (dockerd === undefined) throw new Error('No dockerd is installed on this machine.');
  await makeReachable(places);
  for (const folder of [places.dataRoot, places.execRoot, places.users]) {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
  }
  writeFileSync(join(places.users, String(process.pid)), processStartTime(process.pid) ?? '');
  const engine = new OuterEngine(places.socket);
  const started = !(await engine.answers());
  const subnet = await ensureBridge(places.bridge);
  if (started) {
    try {
      await launch(dockerd, places, engine);
    } catch (error) {
      rmSync(join(places.users, String(process.pid)), { force: true });
      await clearAway(places);
      throw error;
    }
  }
  const watch = watchOver(() => launch(dockerd, places, engine), places);
  return {
    engine,
    bridge: { name: places.bridge, subnet },
    remappedRoot: remappedRoot(places.dataRoot),
    started,
    release: async () => {
      await watch.stop();
      await release(places, engine);
    },
  };
}

/** How often the engine's process is looked for, in ms: a killed engine is back within about a second. */
const WATCH_EVERY_MS = 500;

/**
 * Starts the engine again if its process ends while it is held. Containers live through that (`--live-restore`).
 * Of several holders the one with the lowest process id acts, so that it is started once.
 */
function watchOver(start: () => Promise<void>, places: Places): { stop(): Promise<void> } {
  let starting: Promise<void> | undefined;
  const timer = setInterval(() => {
    if (starting !== undefined || enginePid(places) !== undefined) return;
    if (otherUsers(places.users).some((pid) => pid < process.pid)) return;
    starting = start()
      // It did not come up; the learner is told that the engine is away, and the next turn tries again.
      .catch(() => {})
      .finally(() => {
        starting = undefined;
      });
  }, WATCH_EVERY_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await starting;
    },
  };
}

async function launch(dockerd: string, places: Places, engine: OuterEngine): Promise<void> {
  // Pid files left by a killed engine: dockerd refuses to start if the number was given to another process since, and
  // waits 15 s for a containerd that died with its parent but that nobody has reaped yet.
  rmSync(places.pidFile, { force: true });
  const containerdPidFile = join(places.execRoot, 'containerd/containerd.pid');
  if (
    existsSync(containerdPidFile) &&
    processStartTime(Number(readFileSync(containerdPidFile, 'utf8'))) === undefined
  ) {
    rmSync(containerdPidFile);
  }
  rmSync(places.socket, { force: true });
  if ((statSync(places.log, { throwIfNoEntry: false })?.size ?? 0) > LOG_MAX_BYTES) rmSync(places.log);
  const log = openSync(places.log, 'a');
  const child = spawn(
    dockerd,
    [
      ...[
        '--host',
        `unix://${places.socket}`,
        '--data-root',
        places.dataRoot,
        '--exec-root',
        places.execRoot,
      ],
      ...['--pidfile', places.pidFile, '--userns-remap', 'default', '--storage-driver', 'overlay2'],
      ...['--bridge', places.bridge, '--live-restore', '--log-level', 'warn'],
      // The machine's packet filter belongs to its own Docker, if it has one: two engines would rewrite each other's chains.
      ...[
        '--iptables=false',
        '--ip6tables=false',
        '--ip-forward=false',
        '--ip-masq=false',
        '--userland-proxy=false',
      ],
    ],
    // Its own session: Ctrl-C in the terminal reaches Slipway alone, which then stops the engine in order.
    { detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  let exit: number | string | undefined;
  child.on('error', (error) => {
    exit = error.message;
  });
  child.on('exit', (code, signal) => {
    exit = code ?? signal ?? 'unknown';
  });
  child.unref();
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await engine.answers())) {
    if (exit !== undefined || Date.now() > deadline) {
      const words = readFileSync(places.log, 'utf8').trim().split('\n').slice(-6).join('\n');
      throw new Error(
        `The private engine did not come up (${exit ?? 'no answer'}). The end of ${places.log} says:\n${words}`,
      );
    }
    await pause(50);
  }
}

async function release(places: Places, engine: OuterEngine): Promise<void> {
  rmSync(join(places.users, String(process.pid)), { force: true });
  if (otherUsers(places.users).length > 0) return;
  const pid = enginePid(places);
  if (pid === undefined) return;
  const containers = await engine.containersLabelled([]).catch(() => []);
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (processStartTime(pid) !== undefined && Date.now() < deadline) await pause(20);
  // A container that lives on through the engine's stop keeps the bridge's address in use; without one, nothing of ours stays.
  if (containers.length === 0) await clearAway(places);
}

/** Removes what the engine needed around it: its bridge, and the mount of its folder. The folder itself stays. */
async function clearAway(places: Places): Promise<void> {
  await runCommand(['ip', 'link', 'delete', places.bridge]);
  // A killed dockerd leaves its data root mounted upon itself. What was mounted last goes first.
  for (const mount of mountsBelow(places.folder).reverse()) await runCommand(['umount', mount]);
  if (places.folder !== places.home && existsSync(places.folder)) rmdirSync(places.folder);
}

/** Processes besides this one that hold the engine. Files of dead ones are cleared away. */
function otherUsers(folder: string): number[] {
  return readdirSync(folder)
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid) return false;
      const alive = processStartTime(pid);
      if (alive !== undefined && alive === readFileSync(join(folder, String(pid)), 'utf8')) return true;
      rmSync(join(folder, String(pid)), { force: true });
      return false;
    });
}

/** The engine's process id, if the pid file names a living dockerd of this folder. */
function enginePid(places: Places): number | undefined {
  try {
    const pid = Number(readFileSync(places.pidFile, 'utf8'));
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(places.dataRoot) ? pid : undefined;
  } catch {
    // No pid file, or no such process: it does not run.
    return undefined;
  }
}

/** Makes the engine's bridge unless it is there; gives its subnet. */
async function ensureBridge(name: string): Promise<string> {
  const links: { ifname: string; addr_info: { family: string; local: string }[] }[] = JSON.parse(
    await runCommand(['ip', '-json', 'address', 'show']),
  );
  const present = links
    .find((link) => link.ifname === name)
    ?.addr_info.find((address) => address.family === 'inet');
  if (present !== undefined) return `${present.local.replace(/\.\d+$/, '')}.0/24`;
  const taken = await runCommand(['ip', 'route', 'show', 'table', 'all']);
  const free = BRIDGE_SUBNETS.find((prefix) => !taken.includes(`${prefix}.`));
  if (free === undefined)
    throw new Error(
      `All of ${BRIDGE_SUBNETS.join('.0/24, ')}.0/24 are in use on this machine; free one for Slipway's bridge.`,
    );
  if (!links.some((link) => link.ifname === name))
    await runCommand(['ip', 'link', 'add', name, 'type', 'bridge']);
  await runCommand(['ip', 'address', 'add', `${free}.1/24`, 'dev', name]);
  await runCommand(['ip', 'link', 'set', name, 'up']);
  return `${free}.0/24`;
}

/** dockerd puts the data of a remapped engine into a folder named after the remapped root: `100000.100000`. */
function remappedRoot(dataRoot: string): number {
  const name = readdirSync(dataRoot).find((entry) => /^\d+\.\d+$/.test(entry));
  if (name === undefined)
    throw new Error(
      `The private engine under ${dataRoot} runs without a user namespace; remove that folder and start again.`,
    );
  return Number(name.split('.')[0]);
}

const FORWARD_SWITCH = '/proc/sys/net/ipv4/ip_forward';

/**
 * Opens the bridge to the Internet while `work` runs (building images needs the package mirror), then closes it as it was.
 * Learners' sandboxes have no interface on the bridge, so nothing of theirs passes meanwhile.
 */
export async function withInternet<T>(bridge: PrivateEngine['bridge'], work: () => Promise<T>): Promise<T> {
  const rules: [string, ...string[]][] = [
    ['nat', 'POSTROUTING', '-s', bridge.subnet, '!', '-o', bridge.name, '-j', 'MASQUERADE'],
    ['filter', 'FORWARD', '-i', bridge.name, '-j', 'ACCEPT'],
    ['filter', 'FORWARD', '-o', bridge.name, '-j', 'ACCEPT'],
  ];
  const forwarded = readFileSync(FORWARD_SWITCH, 'utf8').trim();
  const change = async (verb: '-I' | '-D') => {
    for (const [table, ...rule] of rules) await runCommand(['iptables', '-w', '-t', table, verb, ...rule]);
  };
  await change('-I');
  if (forwarded !== '1') writeFileSync(FORWARD_SWITCH, '1');
  try {
    return await work();
  } finally {
    if (forwarded !== '1') writeFileSync(FORWARD_SWITCH, forwarded);
    await change('-D');
  }
}
