// `npm start`: the whole product, from whatever state the machine is in to a printed URL.
import { progressOn } from '../engine/progress.ts';
import { configuration, EXIT_WRONG_USE } from './configuration.ts';
import { openHouse, projectFolder, sentences } from './house.ts';
import { buildSite } from './site.ts';

/** A second Ctrl-C this soon after the first is the same one, heard twice (from the terminal and from npm), in ms. */
const SAME_PRESS_MS = 1_000;

const startedAt = Date.now();
const config = configuration();
const progress = progressOn(process.stderr);

try {
  const house = await openHouse(config, await buildSite(projectFolder, progress));
  stopOnSignals(() => house.close());
  const url = await house.server.listen();
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`\n  Slipway is at ${url}  (listening after ${seconds} s)\n`);
  const obstacle = await house.prepareLabs(progress);
  if (obstacle === undefined)
    console.log('  The labs are ready. Ctrl-C stops everything; open labs are kept for the next start.\n');
  else
    console.log(
      `  The lessons can be read; the labs can't be done yet.\n  ${obstacle.message}\n  → ${obstacle.next}\n`,
    );
} catch (error) {
  console.error(`Slipway did not start. ${sentences(error)}`);
  process.exit(EXIT_WRONG_USE);
}

function stopOnSignals(close: () => Promise<void>): void {
  let firstAt: number | undefined;
  const stop = () => {
    if (firstAt !== undefined) {
      if (Date.now() - firstAt > SAME_PRESS_MS) process.exit(1);
      return;
    }
    firstAt = Date.now();
    const step = progress.step('Stopping');
    close().then(
      () => {
        step.done('open labs are kept for the next start');
        process.exit(0);
      },
      (error: unknown) => {
        step.failed(sentences(error));
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}
