import AxeBuilder from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, openPage } from './browser.ts';
import { type Slipway, startSlipway } from './slipway.ts';

const LESSON = '/learn/writing-dockerfiles/';

let browser: Browser;
let slipway: Slipway;
beforeAll(async () => {
  [browser, slipway] = await Promise.all([launchChromium(), startSlipway({ engine: 'none' })]);
});
afterAll(async () => {
  await browser.close();
  await slipway[Symbol.asyncDispose]();
});

describe('with the engine gone', () => {
  test('the lesson reads whole, without an error in the console', async () => {
    await using opened = await openPage(browser);
    await opened.page.goto(slipway.url + LESSON);
    expect(await opened.page.getByRole('heading', { level: 1 }).innerText()).toContain('Dockerfile');
    // The four directives of the course's sources: what for, what to make, how it hangs together, what to remember.
    for (const directive of ['.box-goal', '.box-deliverables', '.box-cheat']) {
      expect(await opened.page.locator(directive).count(), directive).toBeGreaterThan(0);
    }
    expect(await opened.page.locator('figure.diagram svg').count()).toBeGreaterThan(0);
    expect(opened.complaints).toEqual([]);
  });

  test('the lab says what is missing and how to get it, and its brief reads all the same', async () => {
    await using opened = await openPage(browser);
    await opened.page.goto(`${slipway.url}/labs/etl-dockerfile/`);
    const console = opened.page.locator('[data-berth]');
    await expect
      .poll(() => console.innerText(), { timeout: 10_000 })
      .toMatch(/SLIPWAY_ENGINE names .* no socket there/);
    expect(await console.innerText()).toContain('unset SLIPWAY_ENGINE');
    expect(await opened.page.locator('.task').count()).toBe(5);
  });
});

test('with JavaScript off the lesson reads whole, predictions and casts included', async () => {
  await using opened = await openPage(browser, { javaScriptEnabled: false });
  await opened.page.goto(slipway.url + LESSON);
  const text = await opened.page.locator('main').innerText();
  expect(text.length).toBeGreaterThan(10_000);
  // What a cast shows at its end stands in the page as text.
  expect(text).toContain('CACHED');
  expect(await opened.page.locator('details').count()).toBeGreaterThan(0);
});

describe.each([
  ['desktop', { width: 1440, height: 900 }],
  ['phone', { width: 390, height: 844 }],
])('at %s width', (_name, viewport) => {
  test.each(['light', 'dark'] as const)(
    'no page is wider than the screen or fails an accessibility rule, in %s',
    async (colorScheme) => {
      await using opened = await openPage(browser, { viewport, colorScheme });
      for (const path of [
        '/',
        LESSON,
        '/labs/etl-dockerfile/',
        '/labs/wire-the-pipeline/',
        '/no-such-page/',
      ]) {
        await opened.page.goto(slipway.url + path);
        await opened.page.waitForLoadState('networkidle');
        const overflow = await opened.page.evaluate(
          () => document.documentElement.scrollWidth - window.innerWidth,
        );
        expect(overflow, path).toBeLessThanOrEqual(0);
        const { violations } = await new AxeBuilder({ page: opened.page }).analyze();
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        expect(serious.map(({ id, nodes }) => `${path} ${id}: ${nodes[0]?.html}`)).toEqual([]);
      }
    },
  );
});

test('a page is light: no third-party origin, no script inline, within its budget', async () => {
  const KIB = 1024;
  const budgets = { '/': 60 * KIB, [LESSON]: 60 * KIB, '/labs/etl-dockerfile/': 220 * KIB };
  for (const [path, budget] of Object.entries(budgets)) {
    await using opened = await openPage(browser);
    const origins = new Set<string>();
    let transferred = 0;
    const sizes: Promise<void>[] = [];
    opened.page.on('response', (response) => {
      origins.add(new URL(response.url()).origin);
      if (!/html|javascript|css/.test(response.headers()['content-type'] ?? '')) return;
      sizes.push(
        response
          .request()
          .sizes()
          .then(({ responseBodySize }) => {
            transferred += responseBodySize;
          }),
      );
    });
    await opened.page.goto(slipway.url + path);
    await opened.page.waitForLoadState('networkidle');
    await Promise.all(sizes);
    expect([...origins]).toEqual([new URL(slipway.url).origin]);
    expect(transferred, path).toBeLessThan(budget);
    expect(await opened.page.locator('script:not([src]):not([type="application/json"])').count(), path).toBe(
      0,
    );
  }
});
