// Checks that programs find a service again which moved: another address, only its lasting name the same.
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { BUSYBOX_PATH, busyboxArchive } from '../busybox.ts';
import type { Check } from '../check.ts';
import type { ContainerFacts } from '../facts.ts';
import { PROBE_LABEL, type Scene } from '../scene.ts';
import { field, lastWordsOf, listed, notRunning } from './container-state.ts';
import { check, type Naming, worded } from './naming.ts';
import { type Address, kernelForm } from './vantage.ts';

/** How long a copy has to call at the new place, in s: Python starts in 0.2, on a loaded machine in two. */
const CALL_SECONDS = 5;
/** How often it is looked for, in µs. */
const LOOK_EVERY_MICROSECONDS = 50_000;
/** Exit code of a rehearsal in which the copy called; any other tells that it did not. */
const CALLED = 0;
const COPY_LIMITS = { Memory: 256 * 1024 * 1024, PidsLimit: 128 } as const;

interface Copy {
  readonly name: string;
  readonly facts: ContainerFacts | undefined;
  readonly called: boolean;
  readonly lastWords: string;
}

export interface MovedNaming extends Naming {
  /** The containers whose programs must find it: copies of them are started, they themselves are left alone. */
  readonly by: readonly string[];
}

/** Checks of a service that others know by this name on this port. */
export function service(alias: string, port: number) {
  return {
    /**
     * Copies of the named containers, with their own settings, are started where this name leads to a new address and
     * no other name leads anywhere: each copy must call there. Nothing of the learner's is stopped or changed.
     */
    isFoundAfterMoving(naming: MovedNaming): Check {
      const who = listed(naming.by.map((name) => `\`${name}\``));
      const expected = `${listed(naming.by)} connecting to ${alias}:${port} wherever that name leads`;
      return check<readonly Copy[]>({
        id: naming.id,
        title: naming.title ?? `${who} find \`${alias}\` again after it moved to another address`,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: (scene, signal) =>
          Promise.all(
            naming.by.map(async (name): Promise<Copy> => {
              const facts = await scene.container(name);
              if (facts?.State.Running !== true) return { name, facts, called: false, lastWords: '' };
              return { name, facts, ...(await rehearse(scene, facts, alias, port, signal)) };
            }),
          ),
        judge: (copies) => {
          for (const { name, facts } of copies) {
            const dead = notRunning(name, facts, expected);
            if (dead !== undefined) return dead;
          }
          const lost = copies.filter(({ called }) => !called);
          const first = lost[0];
          if (first === undefined)
            return { status: 'pass', actual: `${listed(naming.by)} called at the new place` };
          return {
            status: 'fail',
            expected,
            actual: lost
              .map(
                ({ name, lastWords }) =>
                  `a copy of ${name} did not call there; it said: ${lastWords === '' ? 'nothing' : lastWords}`,
              )
              .join('; '),
            evidence: lost.flatMap(({ name, facts, lastWords }) => [
              field(
                name,
                '.Config.Env',
                (facts?.Config.Env ?? []).filter((each) => /HOST|ADDR|URL/i.test(each)),
              ),
              field(name, '.HostConfig.ExtraHosts', facts?.HostConfig.ExtraHosts ?? []),
              {
                api: `a copy of ${name}, with ${alias} at another address`,
                field: 'output',
                value: lastWords,
              },
            ]),
            ...worded(naming, {
              why: 'An address belongs to one container for as long as that one is connected. Whoever recreates the container gets another; only a name that moves along with the service outlives that.',
              see: `docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}{{range .HostConfig.ExtraHosts}}{{println .}}{{end}}' ${first.name}`,
              misconception: 'MC-NET-03',
            }),
          };
        },
      });
    },
  };
}

/** Starts a copy without any network but loopback, where the name leads to a listener of ours; tells whether it called. */
async function rehearse(
  scene: Scene,
  facts: ContainerFacts,
  alias: string,
  port: number,
  signal: AbortSignal,
): Promise<{ called: boolean; lastWords: string }> {
  // An address that nobody could have written down before.
  const place: Address = { ip: `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`, port };
  const answer = await scene.engine.call('POST', '/containers/create', {
    body: copyOf(facts, alias, place),
    signal,
  });
  const { Id } = z.object({ Id: z.string().regex(/^[0-9a-f]+$/) }).parse(answer);
  try {
    await scene.engine.call('PUT', `/containers/${Id}/archive`, {
      query: { path: '/' },
      body: await busyboxArchive(),
      signal,
    });
    await scene.engine.call('POST', `/containers/${Id}/start`, { signal });
    const end = await scene.engine.call('POST', `/containers/${Id}/wait`, {
      query: { condition: 'not-running' },
      signal,
      deadlineMs: 5_000 * CALL_SECONDS,
    });
    const called = z.object({ StatusCode: z.number() }).parse(end).StatusCode === CALLED;
    return { called, lastWords: called ? '' : await lastWordsOf(scene, Id, signal) };
  } finally {
    await scene.remove(Id);
  }
}

/** The container again by its own settings, but with the name at another place and a watch beside its program. */
function copyOf(facts: ContainerFacts, alias: string, place: Address): object {
  const hosts = facts.HostConfig.ExtraHosts;
  // What stands in a container's own hosts file goes before what any name server says, there as here.
  const shadowed = hosts.some((line) => line.split(/[:=]/, 1)[0] === alias);
  return {
    Image: facts.Image,
    Entrypoint: [BUSYBOX_PATH, 'sh', '-c', watching(place), 'copy'],
    Cmd: [...facts.Config.Entrypoint, ...facts.Config.Cmd],
    Env: facts.Config.Env,
    User: facts.Config.User,
    WorkingDir: facts.Config.WorkingDir,
    Healthcheck: { Test: ['NONE'] },
    Labels: { [PROBE_LABEL]: 'rehearsal' },
    HostConfig: {
      NetworkMode: 'none',
      ExtraHosts: shadowed ? hosts : [...hosts, `${alias}:${place.ip}`],
      Binds: facts.Mounts.filter(({ Type }) => Type === 'bind' || Type === 'volume').map(
        ({ Type, Name, Source, Destination }) => `${Type === 'volume' ? Name : Source}:${Destination}:ro`,
      ),
      ...COPY_LIMITS,
    },
  };
}

/** A script that starts the program beside a listener and ends with `CALLED` as soon as the program is connected to that place. */
function watching(place: Address): string {
  return `b=${BUSYBOX_PATH}
    now() { read -r up rest </proc/uptime; echo \${up%.*}; }
    $b nc -ll -p ${place.port} -e $b sleep 30 &
    "$@" &
    until=$(($(now) + ${CALL_SECONDS}))
    while [ $(now) -lt $until ]; do
      $b grep -q '${kernelForm(place)}' /proc/net/tcp /proc/net/tcp6 2>/dev/null && exit ${CALLED}
      $b usleep ${LOOK_EVERY_MICROSECONDS}
    done
    exit 1`;
}
