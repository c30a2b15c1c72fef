// Three kinds of tests: without an engine, with one, and in a browser against the whole product.
import { defineConfig } from 'vitest/config';

const NEVER = [
  '**/node_modules/**',
  'dist/**',
  '.slipway/**',
  'labs/*/{start,solution,alternatives,mutants}/**',
];
const MINUTE_MS = 60_000;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...NEVER, '**/*.engine.test.ts', 'e2e/**'],
        },
      },
      {
        test: {
          name: 'engine',
          include: ['**/*.engine.test.ts'],
          exclude: [...NEVER, 'e2e/**'],
          globalSetup: ['src/engine/suite.ts'],
          testTimeout: 2 * MINUTE_MS,
          hookTimeout: 10 * MINUTE_MS,
          pool: 'forks',
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['e2e/**/*.test.ts'],
          exclude: NEVER,
          globalSetup: ['src/engine/suite.ts'],
          testTimeout: 3 * MINUTE_MS,
          hookTimeout: 10 * MINUTE_MS,
          pool: 'forks',
          maxWorkers: 1,
        },
      },
    ],
  },
});
