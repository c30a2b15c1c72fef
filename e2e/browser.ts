// A real Chromium, a learner in it, and what that learner sees in a terminal.

import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** A build in a learner's container may take this long on a busy machine, in ms. */
export const PATIENCE_MS = 90_000;
const POLL_MS = 50;

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/** A page whose console errors and failed requests are collected, so that a test can insist that there are none. */
export async function openPage(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ page: Page; context: BrowserContext; complaints: string[] } & AsyncDisposable> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** The terminal in front, read through xterm's own buffer: what is on the screen and in the scrollback. */
export function terminalOf(page: Page) {
  const text = () =>
    page.evaluate(() => {
      type Line = { translateToString(trimRight: boolean): string; isWrapped: boolean };
      type Shown = Element & {
        xterm?: { buffer: { active: { length: number; getLine(row: number): Line | undefined } } };
      };
      const shown = [...document.querySelectorAll('docker-terminal')].find(
        (one) => (one as HTMLElement).offsetParent !== null,
      );
      const buffer = (shown as Shown | undefined)?.xterm?.buffer.active;
      if (buffer === undefined) return '';
      let all = '';
      for (let row = 0; row < buffer.length; row += 1) {
        const line = buffer.getLine(row);
        all += `${line?.isWrapped === true || row === 0 ? '' : '\n'}${line?.translateToString(true) ?? ''}`;
      }
      return all.trimEnd();
    });
  const shows = async (expected: string | RegExp, timeoutMs = PATIENCE_MS) => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const seen = await text();
      if (typeof expected === 'string' ? seen.includes(expected) : expected.test(seen)) return;
      if (Date.now() > deadline)
        throw new Error(`The terminal does not show ${expected}. It shows:\n${seen}`);
      await pause(POLL_MS);
    }
  };
  return {
    text,
    shows,
    /** Types a line as at a keyboard, and Enter. */
    async type(line: string) {
      await page.getByRole('textbox', { name: 'Terminal input' }).first().focus();
      await page.keyboard.insertText(line);
      await page.keyboard.press('Enter');
    },
    /** Types a command and waits until its answer is there. */
    async ask(command: string, answer: string | RegExp) {
      await this.type(command);
      await shows(answer);
    },
    /** Writes a file with a here-document, as a learner without an editor would. */
    async writeFile(path: string, content: string) {
      // Line by line: a browser drops the line breaks of inserted text.
      for (const line of [`cat >${path} <<'END-OF-FILE'`, ...content.trimEnd().split('\n'), 'END-OF-FILE'])
        await this.type(line);
    },
  };
}

/** Opens a lab, starts it and waits for the prompt. */
export async function startLab(page: Page, url: string, lab: string) {
  await page.goto(`${url}/labs/${lab}/`);
  // On a phone the brief comes first, and the terminal is the other side of a switch.
  const other = page.getByRole('button', { name: 'Terminal', exact: true });
  if (await other.isVisible()) await other.click();
  await page.getByRole('button', { name: 'Start the lab' }).click();
  const terminal = terminalOf(page);
  await terminal.shows(/docker ~\/lab \$/);
  return terminal;
}
