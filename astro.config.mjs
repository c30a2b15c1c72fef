// How the site is built: static pages in dist/, lessons in MDX, nothing inline that a strict CSP would refuse.

import { unified } from '@astrojs/markdown-remark';
import mdx from '@astrojs/mdx';
import { defineConfig } from 'astro/config';
import { directives } from './src/markdown/directives.ts';

export default defineConfig({
  output: 'static',
  outDir: 'dist',
  trailingSlash: 'always',
  // Everything a page needs is in its own HTML; the toolbar would only add scripts to what `npm run dev` shows.
  devToolbar: { enabled: false },
  build: { inlineStylesheets: 'never' },
  integrations: [mdx()],
  markdown: {
    processor: unified({ remarkPlugins: [directives] }),
    // Code takes its colours from the page's own variables, so light and dark need no second copy.
    shikiConfig: {
      theme: 'css-variables',
      langAlias: { dockerignore: 'ini', console: 'shellsession', gitignore: 'ini', compose: 'yaml' },
    },
  },
  vite: {
    build: {
      // Inline scripts would break `script-src 'self'`, and inlined fonts could not be preloaded.
      assetsInlineLimit: 0,
      rolldownOptions: {
        // Astro marks its own chunks with a directive that the bundler then says it may not keep; it does no harm.
        onLog: (level, log, handle) => {
          if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
        },
        treeshake: {
          // The page takes constants from src/protocol.ts; its parsers belong to the server and stay there.
          manualPureFunctions: ['z', 'identifier'],
        },
      },
    },
  },
});
