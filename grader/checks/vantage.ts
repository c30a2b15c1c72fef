// Asks the network questions from where a container stands: its names, its routes, its sockets, seen by the grader's own busybox.
import { z } from 'zod';
import type { ContainerFacts } from '../facts.ts';
import type { Scene } from '../scene.ts';
import { lookoutOf, type Place } from './lookout.ts';

/** How long a connection that must not come about is waited for, in s, once a control has shown that this place is quick. */
const SILENCE_SECONDS = 0.3;
/** The same where even the control was slow: a loaded machine must not look like a closed network. */
const SILENCE_ON_A_SLOW_MACHINE_SECONDS = 2;
/** A control that took longer than this tells of a slow machine, in hundredths of a second. */
const SLOW_CONTROL_CENTISECONDS = 10;
/** One attempt at a connection that should come about, in s. */
const ATTEMPT_SECONDS = 1;
/** One GET, in s: an answer that asks a database takes milliseconds, a database that is not there two seconds. */
const GET_SECONDS = 4;
/** Without an answer of the engine's name server (it has none on the default bridge), no name resolves there. */
const NAME_SECONDS = 1;
/** What is started young is given time to come up: a Postgres that makes its first database takes three seconds. */
const YOUNG_MS = 15_000;
const PATIENCE_WITH_THE_YOUNG_MS = 6_000;
/** Time of a check that asks the network, in ms: patience with two containers after each other, on a loaded machine. */
export const NETWORK_TIMEOUT_MS = 40_000;
/** A connection that should not be open is tried again after this long, in µs. */
const DOUBT_MICROSECONDS = 300_000;
/** Pause between two attempts while patience lasts, in µs. */
const BETWEEN_ATTEMPTS_MICROSECONDS = 150_000;

/** How an attempt to connect came out. `silent`: no answer at all, as when a firewall drops it. */
export type Connection = 'open' | 'refused' | 'unreachable' | 'silent';

export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** A listening or connected TCP socket of a network namespace. */
export interface Socket {
  readonly local: Address;
  readonly remote: Address;
  readonly listening: boolean;
}

/** What became of a GET: a body, or what stood in its way in busybox's words. */
export type WebAnswer =
  | { readonly answered: true; readonly body: string }
  | { readonly answered: false; readonly trouble: string };

/** A place in the network from which questions can be asked, all of them answered by one process if they come together. */
export interface Vantage {
  /** What the engine's name server (127.0.0.11) answers there for a name; empty if it knows none. */
  resolve(name: string): Promise<readonly string[]>;
  /** Tries a connection that should come about, again and again while patience lasts. */
  connect(to: Address, patienceMs?: number): Promise<Connection>;
  /** Tries connections that should not come about, just after a control that should. Without its control a silence means nothing. */
  connectInVain(
    to: readonly Address[],
    control: Address,
    patienceMs?: number,
  ): Promise<{ control: Connection; attempts: readonly Connection[] }>;
  /** Sends bytes and gives what comes back within two seconds; asks again while patience lasts and nothing comes. */
  say(to: Address, bytes: Uint8Array, patienceMs?: number): Promise<Buffer>;
  /** Asks a web server with GET; asks again while patience lasts and it does not answer with success. */
  get(from: Address, path: string, patienceMs?: number): Promise<WebAnswer>;
  /** The TCP sockets there; asks again while patience lasts and none leads to `awaited`. */
  sockets(awaited?: readonly Address[], patienceMs?: number): Promise<readonly Socket[]>;
  /** The IPv4 addresses there that other machines could use: all but loopback. */
  addresses(): Promise<readonly string[]>;
}

/** Where the container stands. It must be running. */
export function vantageOf(scene: Scene, container: ContainerFacts, signal: AbortSignal): Vantage {
  return vantage(scene, container.State.Pid, container.Image, signal);
}

/** Where the engine itself stands: what a learner calls "my machine". The image only lends the lookout its name. */
export function vantageOfHost(scene: Scene, image: string, signal: AbortSignal): Vantage {
  return vantage(scene, 'host', image, signal);
}

/** How long to wait for what these containers do: not at all, unless one was started a moment ago. */
export function patienceWith(...containers: readonly (ContainerFacts | undefined)[]): number {
  const youngest = Math.max(...containers.map((each) => Date.parse(each?.State.StartedAt ?? '') || 0));
  return Date.now() - youngest < YOUNG_MS ? PATIENCE_WITH_THE_YOUNG_MS : 0;
}

/** The container's addresses, network by network. */
export function addressesOf(container: ContainerFacts): readonly string[] {
  return Object.values(container.NetworkSettings.Networks)
    .map((endpoint) => endpoint.IPAddress)
    .filter((ip) => isIp(ip));
}

function vantage(scene: Scene, place: Place, image: string, signal: AbortSignal): Vantage {
  const ask = (shell: string) => lookoutOf(scene, image, signal).ask(place, shell);

  return {
    async resolve(name) {
      return addressesIn(
        await ask(`timeout ${NAME_SECONDS} $b nslookup -type=a ${quoted(name)} 127.0.0.11 2>/dev/null`),
      );
    },
    async connect(to, patienceMs = 0) {
      return connectionOf(await ask(patiently(attempt(to, ATTEMPT_SECONDS), `grep -q '^open$'`, patienceMs)));
    },
    async connectInVain(to, control, patienceMs = 0) {
      // While the engine makes a network it takes its rules of separation away for a moment. What is open stays open.
      const attempts = to
        .map((address, index) => {
          const once = attempt(address, '$limit');
          return `( out=$(${once}); [ $out = open ] && { $b usleep ${DOUBT_MICROSECONDS}; out=$(${once}); }; echo "${index} $out" ) &`;
        })
        .join('\n');
      const said = await ask(`
        before=$(now)
        first=$(${patiently(attempt(control, ATTEMPT_SECONDS), `grep -q '^open$'`, patienceMs)})
        limit=${SILENCE_SECONDS}
        [ $(($(now) - before)) -gt ${SLOW_CONTROL_CENTISECONDS} ] && limit=${SILENCE_ON_A_SLOW_MACHINE_SECONDS}
        echo "control $first"
        ${attempts}
        wait`);
      const lines = new Map<string, string>();
      for (const line of said.split('\n')) {
        const [who = '', outcome = ''] = line.split(' ');
        lines.set(who, outcome);
      }
      return {
        control: connectionOf(lines.get('control') ?? ''),
        attempts: to.map((_, index) => connectionOf(lines.get(String(index)) ?? '')),
      };
    },
    async say(to, bytes, patienceMs = 0) {
      const message = Buffer.from(bytes).toString('base64');
      const once = `echo ${message} | $b base64 -d | $b timeout 2 $b nc ${target(to)} 2>/dev/null | $b head -c 4096 | $b base64 -w0`;
      return Buffer.from(await ask(patiently(once, `grep -q .`, patienceMs)), 'base64');
    },
    async get(from, path, patienceMs = 0) {
      const [ip, port] = target(from).split(' ');
      const once = `$b wget -T ${GET_SECONDS} -q -O - 'http://${ip}:${port}${quotedPath(path)}' 2>&1 | $b head -c 65536`;
      const said = await ask(patiently(once, `grep -qv '^wget:'`, patienceMs));
      const trouble = /^wget: (.+)$/m.exec(said)?.[1];
      return trouble === undefined ? { answered: true, body: said } : { answered: false, trouble };
    },
    async sockets(awaited = [], patienceMs = 0) {
      const rows = `$b cat /proc/net/tcp /proc/net/tcp6 2>/dev/null`;
      const wanted = awaited.map((address) => `-e '${kernelForm(address)}'`).join(' ');
      return socketsIn(await ask(wanted === '' ? rows : patiently(rows, `grep -q ${wanted}`, patienceMs)));
    },
    async addresses() {
      const said = await ask(`$b ip -4 -o address show`);
      return [...said.matchAll(/\binet (\d+\.\d+\.\d+\.\d+)/g)]
        .map(([, ip]) => ip ?? '')
        .filter((ip) => !ip.startsWith('127.'));
    },
  };
}

/** Runs a shell command until its output pleases a filter or patience is over; prints the last output. */
function patiently(command: string, pleases: string, patienceMs: number): string {
  const times = 1 + Math.ceil((patienceMs * 1000) / BETWEEN_ATTEMPTS_MICROSECONDS);
  if (patienceMs === 0) return command;
  return `i=0
    until=$(($(now) + ${Math.ceil(patienceMs / 10)}))
    while :; do
      out=$(${command})
      printf %s "$out" | $b ${pleases} && break
      i=$((i + 1)); [ $i -ge ${times} ] && break; [ $(now) -ge $until ] && break
      $b usleep ${BETWEEN_ATTEMPTS_MICROSECONDS}
    done
    printf %s "$out"`;
}

/** A shell command that tries a connection and closes it at once; prints how it came out. */
function attempt(to: Address, seconds: number | string): string {
  return `words=$(timeout ${seconds} $b nc ${target(to)} -e $b true 2>&1 </dev/null); code=$?
    if [ $code = 0 ]; then echo open; else case $words in
      *efused*) echo refused ;; *nreachable*|*'o route'*) echo unreachable ;; *) echo silent ;;
    esac; fi`;
}

function connectionOf(said: string): Connection {
  return z.enum(['open', 'refused', 'unreachable', 'silent']).parse(said.trim());
}

/** Address and port as arguments. What the engine told may be forged, and this goes to a shell. */
function target({ ip, port }: Address): string {
  if (!isIp(ip) || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`The engine told of an address that is none: ${ip}:${port}`);
  return `${ip} ${port}`;
}

function isIp(text: string): boolean {
  return /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text);
}

function quoted(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name)) throw new Error(`Not a name to look up: ${name}`);
  return `'${name}'`;
}

function quotedPath(path: string): string {
  if (!/^\/[A-Za-z0-9/._~-]*$/.test(path)) throw new Error(`Not a path to ask for: ${path}`);
  return path;
}

/** The addresses in busybox's nslookup output; the name server's own, which it tells first, is not one of them. */
export function addressesIn(nslookup: string): readonly string[] {
  const answer = nslookup.slice(Math.max(0, nslookup.indexOf('\n\n')));
  return [...answer.matchAll(/^Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map(([, ip]) => ip ?? '');
}

const LISTENING = '0A';
/** A connection that is only being tried: its other end may not be there at all. */
const SYN_SENT = '02';

/** The rows of /proc/net/tcp and tcp6. Connections that are only being tried are left out. */
export function socketsIn(table: string): readonly Socket[] {
  return table.split('\n').flatMap((line): Socket[] => {
    const [, local, remote, state] =
      /^\s*\d+: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]{2}) /.exec(line) ?? [];
    if (local === undefined || remote === undefined || state === SYN_SENT) return [];
    return [{ local: addressFrom(local), remote: addressFrom(remote), listening: state === LISTENING }];
  });
}

/** `030012AC:1F40` is 172.18.0.3:8000: the kernel writes each four bytes in its own order. An IPv4 address in IPv6 clothes is told as IPv4. */
function addressFrom(text: string): Address {
  const [hex = '', port = ''] = text.split(':');
  const last = hex.slice(-8);
  const bytes = (last.match(/../g) ?? []).reverse().map((pair) => Number.parseInt(pair, 16));
  const loopback6 = hex.length === 32 && hex === '00000000000000000000000001000000';
  const any6 = hex.length === 32 && /^0+$/.test(hex);
  const ip = loopback6 ? '::1' : any6 ? '0.0.0.0' : bytes.join('.');
  return { ip, port: Number.parseInt(port, 16) };
}

/** How the kernel's table writes an address as the far end of a connection. */
export function kernelForm({ ip, port }: Address): string {
  target({ ip, port });
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0');
  return `${ip
    .split('.')
    .map((byte) => hex(Number(byte), 2))
    .reverse()
    .join('')}:${hex(port, 4)} 0[^2]`;
}
