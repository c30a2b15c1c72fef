// `npm run dev`: site and server in one process, pages reloaded as their files change.
import { dev } from 'astro';
import { progressOn } from '../engine/progress.ts';
import { devServer } from '../server/dev.ts';
import { configuration } from './configuration.ts';
import { openHouse, projectFolder } from './house.ts';

const config = configuration();
const server = await dev({
  root: projectFolder,
  server: { host: config.host, port: config.port },
  integrations: [
    devServer(async () => {
      const house = await openHouse(config);
      void house.prepareLabs(progressOn(process.stderr));
      return { handle: house.server.handle, upgrade: house.server.upgrade, close: house.close };
    }),
  ],
});

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void server.stop().finally(() => process.exit(0));
  });
}
