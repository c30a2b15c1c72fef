// Up to three terminals of a lab, one tab each.
import { recall, remember } from './memory.ts';
import type { DockerTerminal, TerminalState } from './terminal.ts';
import { element } from './words.ts';

const SHELLS_MAX = 3;
const FONT_SMALLEST_PX = 10;
const FONT_LARGEST_PX = 24;
const FONT_USUAL_PX = 14;

export interface TabsOptions {
  /** The console of the page: tabs, panels, settings. */
  readonly root: HTMLElement;
  readonly lab: string;
}

/** Shows, adds and switches terminals. Nothing connects before `attach`. */
export class TerminalTabs {
  readonly #root: HTMLElement;
  readonly #lab: string;
  readonly #terminals: DockerTerminal[] = [];
  readonly #add: HTMLElement | null;
  #current = 0;
  #attached = false;

  constructor({ root, lab }: TabsOptions) {
    this.#root = root;
    this.#lab = lab;
    this.#add = root.querySelector<HTMLElement>('[data-tab-add]');
    this.#add?.addEventListener('click', () => {
      this.#open();
      void this.#select(this.#terminals.length - 1, true);
    });
    this.#part('[data-tabs]').addEventListener('keydown', (event) => this.#arrow(event));
    this.#setUpSettings();
  }

  /** Shows the terminals of a running sandbox; resolves when the one in front is ready to type into. */
  async attach(): Promise<void> {
    await import('./terminal.ts');
    this.#attached = true;
    const remembered = Math.min(recall<number>(`tabs-${this.#lab}`) ?? 1, SHELLS_MAX);
    while (this.#terminals.length < remembered) this.#open();
    if (this.#add) this.#add.hidden = this.#terminals.length >= SHELLS_MAX;
    await this.#select(this.#current, false);
  }

  /** Lets go of all shells: their sandbox is gone. */
  detach(): void {
    this.#attached = false;
    for (const terminal of this.#terminals) terminal.disconnect();
    if (this.#add) this.#add.hidden = true;
  }

  /** The terminal in front. */
  get front(): DockerTerminal | undefined {
    return this.#attached ? this.#terminals[this.#current] : undefined;
  }

  /** What the terminal in front is doing. */
  get state(): TerminalState {
    return this.front?.state ?? 'idle';
  }

  #part(selector: string): HTMLElement {
    const part = this.#root.querySelector<HTMLElement>(selector);
    if (!part) throw new Error(`The console has no ${selector}.`);
    return part;
  }

  #open(): void {
    const number = this.#terminals.length + 1;
    const tab = element('button', '', `Terminal ${number}`);
    tab.type = 'button';
    tab.id = `tab-${number}`;
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', `panel-${number}`);
    tab.addEventListener('click', () => void this.#select(number - 1, true));
    const terminal = document.createElement('docker-terminal') as DockerTerminal;
    terminal.setAttribute('lab', this.#lab);
    terminal.setAttribute('shell', String(number));
    terminal.setAttribute('font-size', String(recall<number>('font') ?? FONT_USUAL_PX));
    terminal.toggleAttribute('screen-reader', recall<boolean>('screen-reader') ?? false);
    const panel = element('div', '', terminal);
    panel.id = `panel-${number}`;
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', tab.id);
    panel.hidden = true;
    this.#part('[data-tabs]').append(tab);
    this.#part('[data-panels]').append(panel);
    this.#terminals.push(terminal);
    remember(`tabs-${this.#lab}`, this.#terminals.length);
    if (this.#add) this.#add.hidden = this.#terminals.length >= SHELLS_MAX;
  }

  async #select(index: number, focus: boolean): Promise<void> {
    this.#current = index;
    const tabs = [...this.#part('[data-tabs]').children];
    for (const [at, terminal] of this.#terminals.entries()) {
      const chosen = at === index;
      const tab = tabs[at];
      tab?.setAttribute('aria-selected', String(chosen));
      tab?.setAttribute('tabindex', chosen ? '0' : '-1');
      if (terminal.parentElement) terminal.parentElement.hidden = !chosen;
    }
    const terminal = this.#terminals[index];
    if (!terminal || !this.#attached) return;
    await terminal.connect();
    if (focus && index === this.#current) terminal.focus();
  }

  #arrow(event: KeyboardEvent): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const count = this.#terminals.length;
    void this.#select((this.#current + step + count) % count, false);
    (this.#part('[data-tabs]').children[this.#current] as HTMLElement).focus();
  }

  #setUpSettings(): void {
    const reader = this.#root.querySelector<HTMLInputElement>('[data-screen-reader]');
    if (reader) {
      reader.checked = recall<boolean>('screen-reader') ?? false;
      reader.addEventListener('change', () => {
        remember('screen-reader', reader.checked);
        for (const terminal of this.#terminals) terminal.screenReader = reader.checked;
      });
    }
    for (const button of this.#root.querySelectorAll<HTMLElement>('[data-font]')) {
      button.addEventListener('click', () => {
        const wanted = (recall<number>('font') ?? FONT_USUAL_PX) + Number(button.dataset.font);
        const pixels = Math.min(FONT_LARGEST_PX, Math.max(FONT_SMALLEST_PX, wanted));
        remember('font', pixels);
        for (const terminal of this.#terminals) terminal.fontSize = pixels;
      });
    }
    const settings = this.#root.querySelector<HTMLDetailsElement>('[data-settings]');
    settings?.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !settings.open) return;
      settings.open = false;
      settings.querySelector('summary')?.focus();
    });
    document.addEventListener('pointerdown', (event) => {
      if (settings?.open && !settings.contains(event.target as Node)) settings.open = false;
    });
  }
}
