// The theme switch: system, light, dark, in turn; remembered in this browser.
import { remember } from './memory.ts';

const THEMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const NAMES: Readonly<Record<Theme, string>> = { auto: 'as the system', light: 'light', dark: 'dark' };

function current(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === 'light' || set === 'dark' ? set : 'auto';
}

function apply(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember('theme', theme);
  document.dispatchEvent(new CustomEvent('slipway-theme'));
}

function describe(button: HTMLElement): void {
  const words = `Theme: ${NAMES[current()]}`;
  button.setAttribute('aria-label', words);
  button.title = words;
}

for (const button of document.querySelectorAll<HTMLElement>('.theme-switch')) {
  describe(button);
  button.addEventListener('click', () => {
    apply(THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length] ?? 'auto');
    describe(button);
  });
}
