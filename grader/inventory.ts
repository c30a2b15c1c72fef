// What stands on an engine, so that two moments can be compared: a grade must leave everything as it found it.
import { z } from 'zod';
import { engineClient } from './engine-client.ts';
import type { Workplace } from './workplace.ts';

const containers = z.array(
  z.object({ Id: z.string(), Names: z.array(z.string()).default([]), State: z.string() }),
);
const images = z.array(
  z.object({
    Id: z.string(),
    RepoTags: z
      .array(z.string())
      .nullish()
      .transform((tags) => tags ?? []),
  }),
);
const volumes = z.object({ Volumes: z.array(z.object({ Name: z.string() })).nullish() });
const networks = z.array(z.object({ Id: z.string(), Name: z.string() }));

export interface Inventory {
  /** What came, went or changed between this moment and a later one, as sentences. */
  differences(later: Inventory): string[];
  /** A line for each thing, such as `container loader is running`. */
  readonly things: ReadonlySet<string>;
}

/** Lists the containers with their states, the images with their tags, the volumes and the networks. */
export async function inventoryOf(workplace: Workplace): Promise<Inventory> {
  const engine = engineClient(workplace);
  try {
    const [allContainers, allImages, allVolumes, allNetworks] = await Promise.all([
      engine.call('GET', '/containers/json', { query: { all: true } }),
      engine.call('GET', '/images/json', { query: { all: false } }),
      engine.call('GET', '/volumes'),
      engine.call('GET', '/networks'),
    ]);
    return inventory([
      ...containers
        .parse(allContainers)
        .map(
          ({ Id, Names, State }) => `container ${Names[0]?.slice(1) ?? ''} (${Id.slice(0, 12)}) is ${State}`,
        ),
      ...images
        .parse(allImages)
        .map(
          ({ Id, RepoTags }) =>
            `image ${Id.slice(7, 19)} is tagged ${RepoTags.toSorted().join(' and ') || 'nothing'}`,
        ),
      ...(volumes.parse(allVolumes).Volumes ?? []).map(({ Name }) => `volume ${Name} exists`),
      ...networks.parse(allNetworks).map(({ Id, Name }) => `network ${Name} (${Id.slice(0, 12)}) exists`),
    ]);
  } finally {
    engine.close();
  }
}

/** An inventory of these things. */
export function inventory(list: readonly string[]): Inventory {
  const things = new Set(list);
  return {
    things,
    differences: (later) => [
      ...[...things]
        .filter((thing) => !later.things.has(thing))
        .map((thing) => `before, ${thing}; after, not.`),
      ...[...later.things]
        .filter((thing) => !things.has(thing))
        .map((thing) => `after, ${thing}; before, not.`),
    ],
  };
}
