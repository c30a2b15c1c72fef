// Around the engine and browser tests: images prepared once before, and after them nothing may remain that a test made.

import { randomBytes } from 'node:crypto';
import { INSTANCE_LABEL } from './docker-spawner.ts';
import type { OuterEngine } from './outer-engine.ts';
import { openTestRoom, testInstancePrefix } from './testing.ts';

/** vitest's global set-up: holds the engine for the whole run, so that no test file starts or stops it. */
export default async function setup(): Promise<() => Promise<void>> {
  // Test files run in processes of their own, which inherit this name; runs beside this one have another.
  process.env.SLIPWAY_TEST_RUN = randomBytes(3).toString('hex');
  const room = await openTestRoom();
  const volumesBefore = await room.engine.danglingVolumeNames();
  return async () => {
    const leftovers = await removeLeftovers(room.engine);
    const volumes = (await room.engine.danglingVolumeNames()).filter((name) => !volumesBefore.includes(name));
    const networks = await room.engine.networkNames();
    await room.close();
    const strange = networks.filter(
      (name) => !['bridge', 'host', 'none'].includes(name) && name.startsWith('slipway'),
    );
    const found = [
      ...leftovers.map((name) => `container ${name}`),
      ...volumes.map((name) => `volume ${name}`),
      ...strange.map((name) => `network ${name}`),
    ];
    if (found.length > 0) throw new Error(`The tests left things behind on the engine: ${found.join(', ')}.`);
  };
}

/** Names of the containers that tests left, which are removed so that the next run starts clean. */
async function removeLeftovers(engine: OuterEngine): Promise<string[]> {
  const all = [
    ...(await engine.containersLabelled([INSTANCE_LABEL])).filter((container) =>
      container.labels[INSTANCE_LABEL]?.startsWith(testInstancePrefix()),
    ),
    ...(await engine.containersLabelled(['slipway.helper'])),
  ];
  for (const container of all) await engine.removeContainer(container.id);
  return all.map((container) => container.name);
}
