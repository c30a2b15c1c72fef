// Checks that programs find a service again which moved: another container, another address, only its lasting name the same.
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { BUSYBOX_PATH, busyboxArchive } from '../busybox.ts';
import type { Check } from '../check.ts';
import type { ContainerFacts } from '../facts.ts';
import { PROBE_LABEL, type Scene } from '../scene.ts';
import { field, lastWordsOf, listed, notRunning, outputOf } from './container-state.ts';
import { check, type Naming, worded } from './naming.ts';
import { addressesOf, socketsIn } from './vantage.ts';

/** How long the copies have to call at the new place, in ms: Python starts in 200, on a loaded machine in two thousand. */
const CALL_MS = 6_000;
/** Once a copy has said something about another place and still not called here, it need not be waited for much longer, in ms. */
const SECOND_THOUGHTS_MS = 1_200;
const COPY_LIMITS = { Memory: 256 * 1024 * 1024, PidsLimit: 128 } as const;
const created = z.object({ Id: z.string().regex(/^[0-9a-f]+$/) });

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
     * Copies of the named containers, with their own settings, on a network of their own where this name, and no other,
     * leads to a new place: each copy must call there. Nothing of the learner's is stopped or changed.
     */
    isFoundAfterMoving(naming: MovedNaming): Check {
      const who = listed(naming.by.map((name) => `\`${name}\``));
      const expected = `${listed(naming.by)} connecting to ${alias}:${port} wherever that name leads`;
      return check<readonly Copy[]>({
        id: naming.id,
        title:
          naming.title ?? `${who} find \`${alias}\` again after it moved to another container and address`,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: async (scene, signal) => {
          const originals = await Promise.all(
            naming.by.map(async (name) => ({ name, facts: await scene.container(name) })),
          );
          if (originals.some(({ facts }) => facts?.State.Running !== true))
            return originals.map(({ name, facts }) => ({ name, facts, called: false, lastWords: '' }));
          return await rehearse(scene, alias, port, originals, signal);
        },
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

/** Sets the rehearsal up, waits until all copies have called or time is over, takes it down. */
async function rehearse(
  scene: Scene,
  alias: string,
  port: number,
  originals: readonly { name: string; facts: ContainerFacts | undefined }[],
  signal: AbortSignal,
): Promise<readonly Copy[]> {
  const made: string[] = [];
  const post = async (path: string, body: object) =>
    created.parse(await scene.engine.call('POST', path, { body, signal })).Id;
  const name = `slipway-rehearsal-${crypto.randomUUID().slice(0, 8)}`;
  const network = await post('/networks/create', {
    Name: name,
    Internal: true,
    Labels: { [PROBE_LABEL]: 'rehearsal' },
  });
  scene.finally(async () => {
    await Promise.all(made.map((id) => scene.remove(id)));
    await scene.engine.call('DELETE', `/networks/${network}`, { accept: [404] });
  });

  async function start(body: object, aliases: readonly string[], archive?: Buffer): Promise<string> {
    const id = await post('/containers/create', {
      ...body,
      Labels: { [PROBE_LABEL]: 'rehearsal' },
      NetworkingConfig: { EndpointsConfig: { [name]: { Aliases: aliases } } },
    });
    made.push(id);
    if (archive !== undefined)
      await scene.engine.call('PUT', `/containers/${id}/archive`, {
        query: { path: '/' },
        body: archive,
        signal,
      });
    await scene.engine.call('POST', `/containers/${id}/start`, { signal });
    return id;
  }

  const image = originals[0]?.facts?.Image ?? '';
  // Answers nobody and keeps every caller on the line; the kernel's table of sockets then tells who they are.
  const listener = await start(
    {
      Image: image,
      Entrypoint: [BUSYBOX_PATH, 'sh', '-c', watching(port, originals.length)],
      Cmd: [],
      User: '0',
      WorkingDir: '/',
      Healthcheck: { Test: ['NONE'] },
      HostConfig: { NetworkMode: name, ...COPY_LIMITS },
    },
    [alias],
    await busyboxArchive(),
  );
  const copies = await Promise.all(
    originals.map(async ({ name: original, facts }) => {
      const id = await start(copyOf(facts, name), []);
      const copy = await scene.freshContainer(id);
      return { name: original, facts, id, addresses: copy === undefined ? [] : addressesOf(copy) };
    }),
  );

  const callers = await callersAt(scene, listener, port, signal, async () => {
    const words = await Promise.all(copies.map(({ id }) => lastWordsOf(scene, id, signal)));
    return words.every((each) => each !== '');
  });
  return await Promise.all(
    copies.map(async ({ name: original, facts, id, addresses }) => {
      const called = addresses.some((ip) => callers.has(ip));
      return { name: original, facts, called, lastWords: called ? '' : await lastWordsOf(scene, id, signal) };
    }),
  );
}

/** The container again by its own settings. Links and published ports stay behind: they belong to the place it was in. */
function copyOf(facts: ContainerFacts | undefined, network: string): object {
  return {
    Image: facts?.Image,
    Env: facts?.Config.Env,
    Cmd: facts?.Config.Cmd,
    Entrypoint: facts?.Config.Entrypoint,
    User: facts?.Config.User,
    WorkingDir: facts?.Config.WorkingDir,
    HostConfig: {
      NetworkMode: network,
      ExtraHosts: facts?.HostConfig.ExtraHosts,
      Binds: facts?.Mounts.filter(({ Type }) => Type === 'bind' || Type === 'volume').map(
        ({ Type, Name, Source, Destination }) => `${Type === 'volume' ? Name : Source}:${Destination}:ro`,
      ),
      ...COPY_LIMITS,
    },
  };
}

/** A script that listens, prints its callers' rows of the table of sockets as they come, and ends when that many different ones have. */
function watching(port: number, callers: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rounds = Math.ceil(CALL_MS / 50);
  return `b=${BUSYBOX_PATH}
    $b nc -ll -p ${port} -e $b sleep 30 &
    i=0 seen=0
    while [ $i -lt ${rounds} ] && [ $seen -lt ${callers} ]; do
      table=$($b grep -h -E ':${hex} [0-9A-F]+:[0-9A-F]{4} 0[^A]' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
      n=$(echo "$table" | $b awk 'NF { split($3, far, ":"); print far[1] }' | $b sort -u | $b wc -l)
      [ $n -gt $seen ] && { seen=$n; echo "$table"; }
      i=$((i + 1)); $b usleep 50000
    done`;
}

/** The addresses that called, once all have or the copies have had their say and still not called. */
async function callersAt(
  scene: Scene,
  listener: string,
  port: number,
  signal: AbortSignal,
  allHaveSpoken: () => Promise<boolean>,
): Promise<ReadonlySet<string>> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const allCalled = scene.engine.call('POST', `/containers/${listener}/wait`, {
    query: { condition: 'not-running' },
    signal: either,
    deadlineMs: 2 * CALL_MS,
  });
  const allSaidSomethingElse = (async () => {
    do await delay(SECOND_THOUGHTS_MS, undefined, { signal: either });
    while (!(await allHaveSpoken()));
    await delay(SECOND_THOUGHTS_MS, undefined, { signal: either });
  })();
  try {
    await Promise.race([allCalled, allSaidSomethingElse]);
  } finally {
    over.abort();
    // Whichever came second was told to stop, and says so by rejecting.
    await Promise.allSettled([allCalled, allSaidSomethingElse]);
  }
  const said = await outputOf(scene, listener, signal);
  return new Set(
    socketsIn(said)
      .filter((socket) => !socket.listening && socket.local.port === port)
      .map((socket) => socket.remote.ip),
  );
}
