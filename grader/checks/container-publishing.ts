// What a container lets in from the machine it runs on: published ports, the address they are bound to, and who answers there.
import type { Check, Verdict } from '../check.ts';
import type { ContainerFacts } from '../facts.ts';
import type { Scene } from '../scene.ts';
import { field, listed, notRunning } from './container-state.ts';
import { check, type Naming, worded } from './naming.ts';
import {
  type Connection,
  NETWORK_TIMEOUT_MS,
  patienceWith,
  type Socket,
  vantageOf,
  vantageOfHost,
  type WebAnswer,
} from './vantage.ts';

export interface PublishNaming extends Naming {
  /** The port on the machine. */
  readonly as: number;
}

/** How a protocol is recognised: what to say first, and how the answer of the right program begins. */
export interface Greeting {
  /** The program, as a learner would call it. */
  readonly of: string;
  readonly say: Uint8Array;
  readonly answer: RegExp;
}

/** PostgreSQL: asked whether it would speak TLS, it answers with one letter. Nothing is signed in and nothing is logged. */
export const POSTGRES: Greeting = {
  of: 'PostgreSQL',
  say: Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47),
  answer: /^[SN]/,
};

type Ports = ContainerFacts['NetworkSettings']['Ports'];
const LOOPBACK = new Set(['127.0.0.1', '::1']);

/** Where a port is bound on the machine right now: `0.0.0.0:8000`. What was asked for when the container was made says less. */
function bindingsOf(facts: ContainerFacts | undefined, port: number) {
  const ports: Ports = facts?.NetworkSettings.Ports ?? {};
  return (ports[`${port}/tcp`] ?? []).map(({ HostIp, HostPort }) => ({
    ip: HostIp === '' ? '0.0.0.0' : HostIp,
    port: Number(HostPort),
  }));
}

interface Answer {
  readonly facts: ContainerFacts | undefined;
  readonly answer?: WebAnswer;
}

interface Greeted {
  readonly facts: ContainerFacts | undefined;
  readonly reply?: string;
}

interface Exposure {
  readonly facts: ContainerFacts | undefined;
  readonly attempts: readonly { readonly ip: string; readonly port: number; readonly outcome: Connection }[];
  /** Whether the same port let the control in on loopback; without it, silence elsewhere means nothing. */
  readonly control: Connection;
}

export function publishing(name: string) {
  const see = `docker port ${name}`;

  async function fromTheHost(scene: Scene, facts: ContainerFacts, signal: AbortSignal) {
    // Any image will do, as the probe runs nothing of it; this one is certainly there.
    return vantageOfHost(scene, facts.Image, signal);
  }

  return {
    /** Its port is published on the machine under this number. */
    publishes(port: number, naming: PublishNaming): Check {
      const expected = `port ${port} of ${name} published as port ${naming.as} of the machine`;
      return check<ContainerFacts | undefined>({
        id: naming.id,
        title: naming.title ?? `Port ${port} of \`${name}\` is published as port ${naming.as}`,
        needs: naming.needs ?? [],
        cost: 'inspect',
        probe: (scene) => scene.container(name),
        judge: (facts) => {
          const dead = notRunning(name, facts, expected);
          if (dead !== undefined) return dead;
          if (bindingsOf(facts, port).some((binding) => binding.port === naming.as))
            return { status: 'pass', actual: expected };
          const ports = facts?.NetworkSettings.Ports ?? {};
          const published = Object.entries(ports).flatMap(([inside, bindings]) =>
            (bindings ?? []).map(({ HostPort }) => `port ${inside} published as ${HostPort}`),
          );
          return {
            status: 'fail',
            expected,
            actual: published.length > 0 ? listed([...new Set(published)]) : `${name} publishes no port`,
            evidence: [
              field(name, '.NetworkSettings.Ports', ports),
              field(name, '.HostConfig.NetworkMode', facts?.HostConfig.NetworkMode),
            ],
            ...worded(naming, {
              why: 'Publishing joins two numbers: a port of the machine, then the port inside the container where the program listens. A container that uses the network of the host has nothing of its own to publish.',
              see: `docker port ${name} | grep . || echo 'no port is published'`,
            }),
          };
        },
      });
    },

    /** Its program listens on this port for others too, not on its own loopback alone. Read from the kernel's table of sockets. */
    listensToOthers(port: number, naming: Naming): Check {
      const expected = `a program in ${name} listening on port ${port} of all addresses`;
      return check<{ facts: ContainerFacts | undefined; listening: readonly Socket[] }>({
        id: naming.id,
        title: naming.title ?? `The program in \`${name}\` listens to others than itself on port ${port}`,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const facts = await scene.container(name);
          if (facts?.State.Running !== true) return { facts, listening: [] };
          const look = async () =>
            (await vantageOf(scene, facts, signal).sockets()).filter(
              (socket) => socket.listening && socket.local.port === port,
            );
          const until = Date.now() + patienceWith(facts);
          let listening = await look();
          while (listening.length === 0 && Date.now() < until) listening = await look();
          return { facts, listening };
        },
        judge: ({ facts, listening }) => {
          const dead = notRunning(name, facts, expected);
          if (dead !== undefined) return dead;
          const where = listening.map(({ local }) => `${local.ip}:${local.port}`);
          const others = listening.filter(({ local }) => !local.ip.startsWith('127.') && local.ip !== '::1');
          if (others.length > 0) return { status: 'pass', actual: `listens on ${listed(where)}` };
          return {
            status: 'fail',
            expected,
            actual:
              where.length > 0
                ? `it listens on ${listed(where)} only`
                : `nothing in it listens on port ${port}`,
            evidence: [
              { api: `/proc/net/tcp in the network namespace of ${name}`, field: 'listening', value: where },
            ],
            ...worded(naming, {
              why: 'Each container has a loopback of its own. A program that listens on 127.0.0.1 hears only what is in the same container; a published port arrives on the container’s other address.',
              see: `docker run --rm --network container:${name} busybox netstat -ltn`,
              misconception: 'MC-NET-04',
            }),
          };
        },
      });
    },

    /** On the machine, this port answers a GET with success and a body that pleases. */
    answersTheHost(
      hostPort: number,
      pleases: { readonly expected: string; test(body: string): boolean },
      naming: Naming & { readonly path?: string },
    ): Check {
      const path = naming.path ?? '/';
      const url = `http://localhost:${hostPort}${path}`;
      return check<Answer>({
        id: naming.id,
        title: naming.title ?? `\`${url}\` answers with ${pleases.expected}`,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const facts = await scene.container(name);
          if (facts?.State.Running !== true) return { facts };
          const host = await fromTheHost(scene, facts, signal);
          const where = { ip: '127.0.0.1', port: hostPort };
          const until = Date.now() + patienceWith(facts);
          let answer = await host.get(where, path, patienceWith(facts));
          while (!(answer.answered && pleases.test(answer.body)) && Date.now() < until)
            answer = await host.get(where, path);
          return { facts, answer };
        },
        judge: ({ facts, answer }): Verdict => {
          const expected = `${pleases.expected} from ${url}`;
          const dead = notRunning(name, facts, expected);
          if (dead !== undefined) return dead;
          if (answer?.answered === true && pleases.test(answer.body))
            return { status: 'pass', actual: answer.body.trim() };
          const said = answer?.answered === true ? answer.body.trim() : (answer?.trouble ?? 'no answer');
          return {
            status: 'fail',
            expected,
            actual: said === '' ? 'an empty answer' : said.slice(0, 400),
            evidence: [
              { api: `GET ${url}, asked on the machine`, field: 'answer', value: said.slice(0, 400) },
            ],
            ...worded(naming, {
              why: 'The way in has several parts: the published port, the address the program listens on, and what the program itself needs. The answer tells which of them stopped you.',
              see: `curl --silent --show-error --max-time 5 ${url}`,
            }),
          };
        },
      });
    },

    /** On the machine's loopback, this port is answered by the right program. */
    greetsTheHost(hostPort: number, greeting: Greeting, naming: Naming): Check {
      const expected = `${greeting.of} answering on 127.0.0.1:${hostPort} of the machine`;
      return check<Greeted>({
        id: naming.id,
        title: naming.title ?? `${greeting.of} answers on \`127.0.0.1:${hostPort}\``,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const facts = await scene.container(name);
          if (facts?.State.Running !== true) return { facts };
          const host = await fromTheHost(scene, facts, signal);
          const published = Object.values(facts.NetworkSettings.Ports).some(
            (bindings) => (bindings ?? []).length > 0,
          );
          // Patience is for a server that is coming up. Where nothing is published, nothing will.
          const reply = await host.say(
            { ip: '127.0.0.1', port: hostPort },
            greeting.say,
            published ? patienceWith(facts) : 0,
          );
          return { facts, reply: reply.toString('latin1') };
        },
        judge: ({ facts, reply = '' }) => {
          const dead = notRunning(name, facts, expected);
          if (dead !== undefined) return dead;
          if (greeting.answer.test(reply)) return { status: 'pass', actual: expected };
          const ports = facts?.NetworkSettings.Ports ?? {};
          return {
            status: 'fail',
            expected,
            actual:
              reply === ''
                ? `nothing answers on 127.0.0.1:${hostPort}`
                : `something else answers: ${reply.slice(0, 80)}`,
            evidence: [
              {
                api: `127.0.0.1:${hostPort}, asked on the machine`,
                field: 'first bytes of the answer',
                value: reply.slice(0, 80),
              },
              field(name, '.NetworkSettings.Ports', ports),
            ],
            ...worded(naming, {
              why: 'Tools on your own machine are not on the container’s networks. They need a published port.',
              see: `docker port ${name} | grep . || echo 'no port is published'`,
            }),
          };
        },
      });
    },

    /** Wherever this port is published, only the machine itself gets in: its other addresses refuse. */
    keepsToLoopback(port: number, naming: Naming): Check {
      const expected = `port ${port} of ${name} bound to 127.0.0.1, and refused on every other address of the machine`;
      return check<Exposure>({
        id: naming.id,
        title: naming.title ?? `On the machine’s other addresses, port ${port} of \`${name}\` is closed`,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const facts = await scene.container(name);
          if (facts?.State.Running !== true) return { facts, attempts: [], control: 'refused' };
          const host = await fromTheHost(scene, facts, signal);
          const published = bindingsOf(facts, port);
          const first = published[0];
          if (first === undefined) return { facts, attempts: [], control: 'refused' };
          const others = await host.addresses();
          const targets = [...new Set(published.map((binding) => binding.port))].flatMap((hostPort) =>
            others.map((ip) => ({ ip, port: hostPort })),
          );
          const { control, attempts } = await host.connectInVain(
            targets,
            { ip: '127.0.0.1', port: first.port },
            patienceWith(facts),
          );
          return {
            facts,
            control,
            attempts: targets.map((target, index) => ({ ...target, outcome: attempts[index] ?? 'silent' })),
          };
        },
        judge: ({ facts, attempts, control }) => {
          const dead = notRunning(name, facts, expected);
          if (dead !== undefined) return dead;
          const bindings = bindingsOf(facts, port);
          const wide = bindings.filter(({ ip }) => !LOOPBACK.has(ip));
          const entered = attempts.filter(({ outcome }) => outcome === 'open');
          const told = listed([...new Set(bindings.map(({ ip, port: hostPort }) => `${ip}:${hostPort}`))]);
          if (wide.length > 0 || entered.length > 0)
            return {
              status: 'fail',
              expected,
              actual:
                entered.length > 0
                  ? `it is bound to ${told}, and a connection to ${listed(entered.map(({ ip, port: hostPort }) => `${ip}:${hostPort}`))} came through`
                  : `it is bound to ${told}`,
              evidence: [
                field(
                  name,
                  `.NetworkSettings.Ports["${port}/tcp"]`,
                  bindings.map(({ ip, port: hostPort }) => `${ip}:${hostPort}`),
                ),
                {
                  api: 'connections tried on the machine',
                  field: 'outcome',
                  value: attempts.map((each) => `${each.ip}:${each.port} ${each.outcome}`),
                },
              ],
              ...worded(naming, {
                why: 'Without an address, a port is published on every address the machine has, for everyone who can reach it, and past a firewall such as ufw. A database needs that for nobody.',
                see,
                misconception: 'MC-NET-06',
              }),
            };
          if (control !== 'open')
            return {
              status: 'blocked',
              because: `The same port did not answer on 127.0.0.1 either (${control}), so a refusal elsewhere would mean nothing.`,
            };
          if (attempts.length === 0)
            return {
              status: 'blocked',
              because: 'This machine has no address but loopback, so there is nothing to keep out.',
            };
          return {
            status: 'pass',
            actual: `bound to ${told}; refused on ${listed(attempts.map(({ ip }) => ip))}`,
          };
        },
      });
    },
  };
}
