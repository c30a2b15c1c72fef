// `npm run dev`: the site by Astro with hot reload, and the API and terminals of a server, on one port.
import type { AstroIntegration } from 'astro';
import type { Server } from './server.ts';

/** What answers below `/api/` while Astro serves the pages. */
export type DevBackend = Pick<Server, 'handle' | 'upgrade' | 'close'>;

/**
 * An integration that puts a server behind Astro's own. `open` makes one without a dist folder; it is called once, when
 * the dev server starts, and requests wait for it.
 */
export function devServer(open: () => Promise<DevBackend>): AstroIntegration {
  let opened: Promise<DevBackend> | undefined;
  return {
    name: 'slipway-server',
    hooks: {
      'astro:server:setup': ({ server, logger }) => {
        const backend = open();
        opened = backend;
        backend.catch((error: unknown) => {
          logger.error(
            `The API and the terminals did not start: ${error instanceof Error ? error.message : error}`,
          );
        });
        server.middlewares.use((request, response, next) => {
          if (!request.url?.startsWith('/api/')) next();
          else backend.then((it) => it.handle(request, response), next);
        });
        // Vite listens here too, for its hot reload: what is not a terminal's is left to it.
        server.httpServer?.on('upgrade', (request, socket, head) => {
          if (!request.url?.startsWith('/api/')) return;
          backend.then(
            (it) => it.upgrade(request, socket, head) || socket.destroy(),
            () => socket.destroy(),
          );
        });
      },
      'astro:server:done': async () => {
        const backend = await opened?.catch(() => undefined);
        await backend?.close();
      },
    },
  };
}
