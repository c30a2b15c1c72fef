import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, openPage, PATIENCE_MS, startLab, terminalOf } from './browser.ts';
import { type Slipway, startSlipway } from './slipway.ts';

const LAB = 'etl-dockerfile';
const solution = join(resolve(import.meta.dirname, '..'), 'labs', LAB, 'solution');
const lastStep = (file: string, step: string) => readFileSync(join(solution, step, file), 'utf8');

let browser: Browser;
let slipway: Slipway;
beforeAll(async () => {
  [browser, slipway] = await Promise.all([launchChromium(), startSlipway()]);
});
afterAll(async () => {
  await browser.close();
  await slipway[Symbol.asyncDispose]();
});

const settled = async (page: Page) => {
  await expect
    .poll(() => page.locator('docker-lab[data-checking]').count(), { timeout: PATIENCE_MS })
    .toBe(0);
};
const checkAll = async (page: Page) => {
  await page.getByRole('button', { name: 'Check all' }).click();
  await page
    .locator('docker-lab[data-checking]')
    .waitFor({ timeout: 5_000 })
    .catch(() => {});
  await settled(page);
};
const endLab = async (page: Page) => {
  await page.getByRole('button', { name: 'End', exact: true }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByRole('button', { name: 'Start the lab' }).waitFor();
};

test('a learner starts a lab, is told what is missing and why, mends it, passes, and finds it on the course page', async () => {
  await using opened = await openPage(browser);
  const { page } = opened;
  const terminal = await startLab(page, slipway.url, LAB);
  await terminal.ask('ls', /main\.py\s+pipeline\s+requirements\.txt/);

  // A first try that runs, and does everything else wrong.
  await terminal.writeFile(
    'Dockerfile',
    'FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD python main.py',
  );
  await terminal.ask('docker build -q -t etl:dev . && docker run --rm etl:dev', /12 rows loaded/);
  await checkAll(page);
  const failed = page.locator('[data-check][data-status="fail"]');
  expect(await failed.count()).toBeGreaterThan(2);
  expect(await page.locator('[data-check][data-status="error"]').count()).toBe(0);
  const first = failed.first();
  expect(await first.innerText()).toMatch(/Expected[\s\S]+Found/);
  expect(await page.locator('[data-task][data-passed]').count()).toBe(1);

  // What the grader saw can be seen: its command goes to the prompt, and runs on Enter.
  const see = first.locator('.see-command');
  const command = (await see.innerText()).trim();
  await see.click();
  await terminal.shows(command.slice(0, 20));
  await page.keyboard.press('Control+C');

  await page.getByRole('button', { name: 'Give me a hint' }).first().click();
  await page.getByText('Hint 1 of 3').first().waitFor();

  await terminal.writeFile('.dockerignore', lastStep('.dockerignore', '3-context'));
  await terminal.writeFile('Dockerfile', lastStep('Dockerfile', '5-finish'));
  await terminal.ask('docker build -q -t etl:dev . && echo BUILT-$((6*7))', /BUILT-42/);
  await checkAll(page);
  const open = await page.locator('[data-check]:not([data-status="pass"])').allInnerTexts();
  expect(open).toEqual([]);
  await page.locator('[data-done]').waitFor({ state: 'visible' });
  await endLab(page);

  await page.goto(slipway.url);
  await expect.poll(() => page.locator('main').innerText(), { timeout: 10_000 }).toMatch(/Done, 14 points/);
});

test('after a reload the same shell is there with its screen, a running command and all', async () => {
  await using opened = await openPage(browser);
  const { page } = opened;
  let terminal = await startLab(page, slipway.url, LAB);
  await terminal.ask('WHO=mara; echo marker-$((20+3))', 'marker-23');
  await terminal.type('for n in $(seq 1 1000); do echo "tick $n"; sleep 0.05; done');
  await terminal.shows('tick 5');
  await page.reload();
  terminal = terminalOf(page);
  await terminal.shows('marker-23');
  await terminal.shows('tick 30');
  const ticks = [...(await terminal.text()).matchAll(/^tick (\d+)$/gm)].map((match) => Number(match[1]));
  expect(ticks).toEqual(ticks.map((_, index) => index + 1));
  await page.getByRole('textbox', { name: 'Terminal input' }).first().focus();
  await page.keyboard.press('Control+C');
  await terminal.ask('echo still-$WHO', 'still-mara');
  await endLab(page);
});

test.each(['SIGINT', 'SIGKILL'] as const)(
  'a restart of the server in the middle (%s) loses neither shell, screen nor progress',
  async (signal) => {
    await using opened = await openPage(browser);
    const { page } = opened;
    const terminal = await startLab(page, slipway.url, LAB);
    await terminal.ask('KEPT=treasure; echo before-$((40+2))', 'before-42');
    await terminal.writeFile('Dockerfile', lastStep('Dockerfile', '1-runs'));
    await terminal.ask('docker build -q -t etl:dev . && echo BUILT-$((6*7))', /BUILT-42/);
    await page.locator('[data-check-task]').first().click();
    await settled(page);
    await expect
      .poll(() => page.locator('[data-task][data-passed]').count(), { timeout: PATIENCE_MS })
      .toBe(1);

    await slipway.stop(signal);
    await expect
      .poll(() => page.locator('[data-strip]').innerText(), { timeout: 10_000 })
      .toMatch(/interrupted|trying again/i);
    await slipway.start();

    // The open page comes back by itself; so does a fresh one.
    await expect.poll(() => page.locator('[data-strip]').isVisible(), { timeout: 30_000 }).toBe(false);
    await terminal.ask('echo after-$KEPT', 'after-treasure');
    await page.reload();
    const fresh = terminalOf(page);
    await fresh.shows('before-42');
    await fresh.shows('after-treasure');
    expect(await page.locator('[data-task][data-passed]').count()).toBe(1);
    await endLab(page);
  },
);
