// The workbench's two panes: a divider that pointer and keyboard move, and on a narrow screen one pane at a time.
import { remember } from './memory.ts';

const NARROWEST_PERCENT = 25;
const WIDEST_PERCENT = 70;
const USUAL_PERCENT = 42;
const STEP_PERCENT = 2;
const BIG_STEP_PERCENT = 10;

/** Where a key takes the divider, or `undefined` if the key is not the divider's. */
export function splitAfterKey(key: string, shift: boolean, percent: number): number | undefined {
  const step = shift ? BIG_STEP_PERCENT : STEP_PERCENT;
  switch (key) {
    case 'ArrowLeft':
      return bounded(percent - step);
    case 'ArrowRight':
      return bounded(percent + step);
    case 'Home':
      return NARROWEST_PERCENT;
    case 'End':
      return WIDEST_PERCENT;
    case 'Enter':
      return USUAL_PERCENT;
    default:
      return undefined;
  }
}

function bounded(percent: number): number {
  return Math.min(WIDEST_PERCENT, Math.max(NARROWEST_PERCENT, Math.round(percent * 10) / 10));
}

function setUpDivider(bench: HTMLElement, divider: HTMLElement): void {
  let percent =
    Number.parseFloat(document.documentElement.style.getPropertyValue('--split')) || USUAL_PERCENT;
  const move = (to: number) => {
    percent = bounded(to);
    document.documentElement.style.setProperty('--split', `${percent}%`);
    divider.setAttribute('aria-valuenow', String(Math.round(percent)));
    divider.setAttribute('aria-valuetext', `${Math.round(percent)} percent`);
  };
  move(percent);
  divider.addEventListener('pointerdown', (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    divider.focus();
  });
  divider.addEventListener('pointermove', (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const { left, width } = bench.getBoundingClientRect();
    move(((event.clientX - left) / width) * 100);
  });
  divider.addEventListener('pointerup', () => remember('split', percent));
  divider.addEventListener('dblclick', () => {
    move(USUAL_PERCENT);
    remember('split', percent);
  });
  divider.addEventListener('keydown', (event) => {
    const to = splitAfterKey(event.key, event.shiftKey, percent);
    if (to === undefined) return;
    event.preventDefault();
    move(to);
    remember('split', percent);
  });
}

/** Makes the panes of a lab page move. Returns the way to bring one of them into view on a narrow screen. */
export function setUpBench(root: HTMLElement): (pane: 'brief' | 'console') => void {
  const bench = root.querySelector<HTMLElement>('[data-bench]');
  const divider = root.querySelector<HTMLElement>('[data-divider]');
  const switches = [...root.querySelectorAll<HTMLElement>('[data-show]')];
  if (bench && divider) setUpDivider(bench, divider);
  const show = (pane: 'brief' | 'console') => {
    if (bench) bench.dataset.pane = pane;
    for (const button of switches) button.setAttribute('aria-pressed', String(button.dataset.show === pane));
  };
  for (const button of switches) {
    button.addEventListener('click', () => show(button.dataset.show === 'console' ? 'console' : 'brief'));
  }
  return show;
}
