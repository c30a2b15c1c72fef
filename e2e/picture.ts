// Takes the README's picture: a lab half done, in a real browser with a real sandbox. Run it with `npm run picture`.
import { join } from 'node:path';
import { launchChromium, openPage, startLab } from './browser.ts';
import { startSlipway } from './slipway.ts';

const FIRST_TRY = [
  'FROM python:3.13-slim',
  'WORKDIR /app',
  'COPY . .',
  'RUN pip install -r requirements.txt',
  'CMD python main.py',
];
const folder = process.argv[2] ?? join(import.meta.dirname, 'pictures');

await using slipway = await startSlipway();
const browser = await launchChromium();
try {
  for (const [name, options] of [
    ['lab-page', { colorScheme: 'light' }],
    ['lab-page-dark', { colorScheme: 'dark' }],
    ['lab-page-phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
  ] as const) {
    await using opened = await openPage(browser, options);
    const { page } = opened;
    const terminal = await startLab(page, slipway.url, 'etl-dockerfile');
    await terminal.ask('ls', /main\.py/);
    await terminal.writeFile('Dockerfile', FIRST_TRY.join('\n'));
    await terminal.ask('docker build -q -t etl:dev .', /sha256:/);
    await terminal.ask('docker run --rm etl:dev', /12 rows loaded/);
    if (name === 'lab-page-phone') await page.getByRole('button', { name: 'Brief', exact: true }).click();
    await page.getByRole('button', { name: 'Check all' }).click();
    await page.locator('docker-lab[data-checking]').waitFor();
    await page.waitForFunction(
      () => document.querySelector('docker-lab[data-checking]') === null,
      undefined,
      { timeout: 60_000 },
    );
    await page.locator('#task-cache').scrollIntoViewIfNeeded();
    await page.locator('[data-brief]').evaluate((brief) => {
      const task = document.querySelector('#task-cache');
      if (task !== null)
        brief.scrollTop += task.getBoundingClientRect().top - brief.getBoundingClientRect().top - 12;
    });
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.evaluate(() => fetch('/api/labs/etl-dockerfile/sandbox', { method: 'DELETE' }));
  }
} finally {
  await browser.close();
}
process.exitCode = 0;
