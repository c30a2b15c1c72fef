// Whom a container reaches over the network and whom it doesn't: names, connections, and what its program is connected to.
import type { Check, Verdict } from '../check.ts';
import type { ContainerFacts } from '../facts.ts';
import { field, lastWordsOf, listed, networksOf, notRunning } from './container-state.ts';
import { check, type Naming, worded } from './naming.ts';
import {
  type Address,
  addressesOf,
  type Connection,
  NETWORK_TIMEOUT_MS,
  patienceWith,
  type Socket,
  vantageOf,
} from './vantage.ts';

interface Pair {
  readonly facts: ContainerFacts | undefined;
  readonly target: ContainerFacts | undefined;
}

interface Resolved extends Pair {
  readonly answers: readonly string[];
}

interface Connected extends Pair {
  readonly sockets: readonly Socket[];
  readonly lastWords: string;
}

interface Isolation extends Pair {
  readonly control: Connection | 'absent';
  readonly resolved: readonly string[];
  readonly attempts: readonly { readonly ip: string; readonly outcome: Connection }[];
}

interface Confinement {
  readonly facts: ContainerFacts | undefined;
  readonly inside: Connection | 'absent';
  readonly outside: Connection;
  readonly peer: Connection | 'absent';
}

export function reaching(name: string) {
  return {
    /** There, the engine's name server answers this name with an address of the target container. */
    resolves(alias: string, naming: Naming & { readonly to: string }): Check {
      const expected = `the name ${alias} leading from ${name} to container ${naming.to}`;
      return check<Resolved>({
        id: naming.id,
        title: naming.title ?? `In \`${name}\`, the name \`${alias}\` leads to \`${naming.to}\``,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const [facts, target] = await Promise.all([scene.container(name), scene.container(naming.to)]);
          if (facts?.State.Running !== true) return { facts, target, answers: [] };
          return { facts, target, answers: await vantageOf(scene, facts, signal).resolve(alias) };
        },
        judge: ({ facts, target, answers }) => {
          const dead = notRunning(name, facts, expected) ?? notRunning(naming.to, target, expected);
          if (dead !== undefined) return dead;
          const addresses = target === undefined ? [] : addressesOf(target);
          if (answers.some((ip) => addresses.includes(ip)))
            return { status: 'pass', actual: `${alias} is ${listed(answers)}` };
          const here = networksOf(facts);
          const there = networksOf(target);
          const shared = here.filter((network) => there.includes(network));
          const place =
            shared.length === 0
              ? `${name} is on ${listed(here)}, ${naming.to} on ${listed(there)}: they share no network`
              : `both are on ${listed(shared)}`;
          return {
            status: 'fail',
            expected,
            actual:
              answers.length === 0
                ? `in ${name}, nobody knows the name ${alias}; ${place}`
                : `in ${name}, ${alias} is ${listed(answers)}, which is no address of ${naming.to} (${listed(addresses)})`,
            evidence: [
              {
                api: `nslookup ${alias} 127.0.0.11, asked in the network namespace of ${name}`,
                field: 'addresses',
                value: answers,
              },
              field(name, '.NetworkSettings.Networks', here),
              field(naming.to, '.NetworkSettings.Networks', there),
            ],
            ...worded(naming, {
              why: 'The engine answers for the names of containers on networks that you made, to containers on the same network. On the default network there is no such service, and an entry in a hosts file is a note of yesterday’s address.',
              see: `docker exec ${name} getent hosts ${alias} || echo '${alias}: no such name'`,
              misconception: 'MC-NET-01',
            }),
          };
        },
      });
    },

    /** Its program is connected to this port of the target, and its last words in the log are those of success. */
    worksWith(
      target: string,
      port: number,
      naming: Naming & { readonly says: RegExp; readonly expected?: string },
    ): Check {
      const expected = naming.expected ?? `the program in ${name} at work with ${target}:${port}`;
      return check<Connected>({
        id: naming.id,
        title: naming.title ?? `The program in \`${name}\` works with \`${target}\` on port ${port}`,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const [facts, other] = await Promise.all([scene.container(name), scene.container(target)]);
          if (facts?.State.Running !== true || other === undefined)
            return { facts, target: other, sockets: [], lastWords: '' };
          const patience = patienceWith(facts, other);
          const until = Date.now() + patience;
          let lastWords = await lastWordsOf(scene, facts.Id, signal);
          while (!naming.says.test(lastWords) && Date.now() < until)
            lastWords = await lastWordsOf(scene, facts.Id, signal);
          const ends = addressesOf(other).map((ip) => ({ ip, port }));
          const sockets = await vantageOf(scene, facts, signal).sockets(
            ends,
            naming.says.test(lastWords) ? LOOK_AGAIN_MS : 0,
          );
          return { facts, target: other, sockets, lastWords };
        },
        judge: ({ facts, target: other, sockets, lastWords }) => {
          const dead = notRunning(name, facts, expected) ?? notRunning(target, other, expected);
          if (dead !== undefined) return dead;
          const addresses = other === undefined ? [] : addressesOf(other);
          const ends = sockets.filter(
            (socket) => socket.remote.port === port && addresses.includes(socket.remote.ip),
          );
          if (ends.length > 0 && naming.says.test(lastWords)) return { status: 'pass', actual: lastWords };
          return {
            status: 'fail',
            expected,
            actual:
              lastWords === '' ? `${name} has said nothing, and is not connected to ${target}` : lastWords,
            evidence: [
              { api: `docker logs --tail 1 ${name}`, field: 'output', value: lastWords },
              {
                api: `/proc/net/tcp in the network namespace of ${name}`,
                field: `connections to ${listed(addresses)}, port ${port}`,
                value: ends.length,
              },
            ],
            ...worded(naming, {
              why: 'In a container, localhost is the container itself. Another container is reached by its name and by the port its program listens on; nothing need be published for that.',
              see: `docker logs --tail 1 ${name}`,
              misconception: 'MC-NET-02',
            }),
          };
        },
      });
    },

    /** It neither finds the target by name nor connects to any of its addresses, while the same attempt succeeds towards an allowed peer. */
    cannotReach(
      target: string,
      port: number,
      naming: Naming & { readonly control: { readonly to: string; readonly port: number } },
    ): Check {
      const expected = `no way from ${name} to ${target}, neither by name nor by address`;
      return check<Isolation>({
        id: naming.id,
        title: naming.title ?? `\`${name}\` can neither find \`${target}\` by name nor connect to it`,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const [facts, other, peer] = await Promise.all([
            scene.container(name),
            scene.container(target),
            scene.container(naming.control.to),
          ]);
          const nothing = { facts, target: other, control: 'absent', resolved: [], attempts: [] } as const;
          if (facts?.State.Running !== true || other?.State.Running !== true || peer === undefined)
            return nothing;
          const shared = networksOf(facts).filter((network) => networksOf(peer).includes(network));
          const ip = shared
            .map((network) => peer.NetworkSettings.Networks[network]?.IPAddress ?? '')
            .find((each) => each !== '');
          if (ip === undefined) return nothing;
          const here = vantageOf(scene, facts, signal);
          const addresses = addressesOf(other);
          const [resolved, { control, attempts }] = await Promise.all([
            here.resolve(target),
            here.connectInVain(
              addresses.map((each) => ({ ip: each, port })),
              { ip, port: naming.control.port },
              patienceWith(facts, peer),
            ),
          ]);
          return {
            facts,
            target: other,
            control,
            resolved,
            attempts: addresses.map((each, index) => ({ ip: each, outcome: attempts[index] ?? 'silent' })),
          };
        },
        judge: ({ facts, target: other, control, resolved, attempts }) => {
          const dead = notRunning(name, facts, expected) ?? notRunning(target, other, expected);
          if (dead !== undefined) return dead;
          const open = attempts.filter(({ outcome }) => outcome === 'open').map(({ ip }) => ip);
          if (open.length > 0 || resolved.length > 0)
            return {
              status: 'fail',
              expected,
              actual: [
                ...(resolved.length > 0 ? [`in ${name}, ${target} is ${listed(resolved)}`] : []),
                ...(open.length > 0
                  ? [`a connection to ${listed(open.map((ip) => `${ip}:${port}`))} came through`]
                  : []),
              ].join(', and '),
              evidence: [
                {
                  api: `nslookup ${target} 127.0.0.11, asked in the network namespace of ${name}`,
                  field: 'addresses',
                  value: resolved,
                },
                {
                  api: `connections tried from the network namespace of ${name}`,
                  field: 'outcome',
                  value: attempts.map(({ ip, outcome }) => `${ip}:${port} ${outcome}`),
                },
                field(name, '.NetworkSettings.Networks', networksOf(facts)),
                field(target, '.NetworkSettings.Networks', networksOf(other)),
              ],
              ...worded(naming, {
                why: 'Networks keep containers apart only as long as no network has both on it. One shared network is enough for every port.',
                see: `docker exec ${name} getent hosts ${target}`,
                misconception: 'MC-NET-07',
              }),
            };
          if (control !== 'open')
            return {
              status: 'blocked',
              because: `${name} does not reach ${naming.control.to} either, so that it does not reach ${target} would prove nothing.`,
            };
          return {
            status: 'pass',
            actual: `${target} has no name there; connections: ${listed(attempts.map(({ ip, outcome }) => `${ip} ${outcome}`))}`,
          };
        },
      });
    },

    /** It reaches the one it works with, but not an address outside that another container does reach. */
    staysInside(
      inside: { readonly to: string; readonly port: number },
      outside: Address,
      naming: Naming & { readonly peer: string },
    ): Check {
      const place = `${outside.ip}:${outside.port}`;
      const expected = `${name} reaching ${inside.to} and nothing outside, such as ${place}`;
      return check<Confinement>({
        id: naming.id,
        title: naming.title ?? `\`${name}\` reaches \`${inside.to}\`, and nothing outside`,
        needs: naming.needs ?? [],
        cost: 'exec',
        timeoutMs: NETWORK_TIMEOUT_MS,
        probe: async (scene, signal) => {
          const [facts, friend, peer] = await Promise.all([
            scene.container(name),
            scene.container(inside.to),
            scene.container(naming.peer),
          ]);
          if (facts?.State.Running !== true)
            return { facts, inside: 'absent', outside: 'silent', peer: 'absent' };
          const shared = networksOf(facts).filter((network) => networksOf(friend ?? facts).includes(network));
          const ip = shared
            .map((network) => friend?.NetworkSettings.Networks[network]?.IPAddress ?? '')
            .find((each) => each !== '');
          const here = vantageOf(scene, facts, signal);
          const tried = async () => {
            if (ip === undefined) return { inside: 'absent' as const, outside: await here.connect(outside) };
            const answer = await here.connectInVain(
              [outside],
              { ip, port: inside.port },
              patienceWith(facts, friend),
            );
            return { inside: answer.control, outside: answer.attempts[0] ?? 'silent' };
          };
          const [own, others] = await Promise.all([
            tried(),
            peer?.State.Running === true
              ? vantageOf(scene, peer, signal).connect(outside)
              : ('absent' as const),
          ]);
          return { facts, ...own, peer: others };
        },
        judge: (seen): Verdict => {
          const dead = notRunning(name, seen.facts, expected);
          if (dead !== undefined) return dead;
          const evidence = [
            {
              api: `connection to ${place}, tried from the network namespace of ${name}`,
              field: 'outcome',
              value: seen.outside,
            },
            { api: `the same, tried from that of ${naming.peer}`, field: 'outcome', value: seen.peer },
            field(name, '.NetworkSettings.Networks', networksOf(seen.facts)),
          ];
          if (seen.outside === 'open')
            return {
              status: 'fail',
              expected,
              actual: `a connection from ${name} to ${place} came through; ${name} is on ${listed(networksOf(seen.facts))}`,
              evidence,
              ...worded(naming, {
                why: 'A container has a way out as soon as one of its networks has one. A job that needs only its database should be on nothing but the internal network.',
                see: `docker inspect -f '{{range $network, $_ := .NetworkSettings.Networks}}{{println $network}}{{end}}' ${name}`,
                misconception: 'MC-NET-07',
              }),
            };
          if (seen.inside !== 'open')
            return {
              status: 'blocked',
              because: `${name} does not reach ${inside.to} either, so that it reaches nothing outside would prove nothing.`,
            };
          if (seen.peer !== 'open')
            return {
              status: 'blocked',
              because: `${naming.peer} does not reach ${place} either, so that ${name} doesn’t would prove nothing.`,
            };
          return { status: 'pass', actual: `${inside.to}: open; ${place}: ${seen.outside}` };
        },
      });
    },
  };
}

/** A program that has just said it succeeded has its connection in the table already, or has it in a moment. */
const LOOK_AGAIN_MS = 1_500;
