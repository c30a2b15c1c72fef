// The lab's sandbox as the page shows it: which phase it is in, in words, and what can be done.
import type { Problem, SandboxState, ServerStatus } from '../protocol.ts';
import { withCode } from './words.ts';

/** Where a lab page stands. `data-phase` of `<docker-lab>` is the type. */
export type Phase =
  | { readonly type: 'loading' }
  /** The server can't do labs, for now or at all. */
  | { readonly type: 'unavailable' | 'preparing'; readonly status: ServerStatus }
  | {
      readonly type: 'none';
      readonly privileged: boolean;
      readonly problem?: Problem['error'];
      /** Why there is none any more; empty if there never was one. */
      readonly ended?: string;
    }
  | { readonly type: 'starting'; readonly again: boolean; readonly since: number }
  | { readonly type: 'running'; readonly sandbox: SandboxState }
  /** Nothing answers; what was in the sandbox is safe. */
  | { readonly type: 'lost'; readonly problem: Problem['error'] };

/** Milliseconds before the end from which the page says so in red. */
const SOON_MS = 10 * 60_000;

interface Told {
  readonly status: string;
  readonly title: string;
  readonly text: string;
  readonly next?: string | undefined;
  readonly start?: string;
}

function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** What the page says in a phase. `now` in milliseconds. */
export function tellPhase(phase: Phase, now: number): Told {
  switch (phase.type) {
    case 'loading':
      return { status: '…', title: 'Looking for your sandbox', text: 'One moment.' };
    case 'unavailable':
      return {
        status: 'No labs here',
        title: 'Labs can’t run here yet',
        text: phase.status.message ?? 'There is no Docker engine for them. You can read on meanwhile.',
        next: phase.status.next,
      };
    case 'preparing':
      return {
        status: 'Preparing',
        title: 'Getting the labs ready',
        text:
          phase.status.message ??
          'Images are being built. This happens once, and this page goes on by itself.',
        next: phase.status.next,
      };
    case 'none':
      if (phase.problem) {
        return {
          status: 'No sandbox',
          title: 'That did not work',
          text: phase.problem.message,
          next: phase.problem.next,
          start: 'Try again',
        };
      }
      if (phase.ended) {
        return {
          status: 'Sandbox ended',
          title: 'Your sandbox is no more',
          text: phase.ended,
          next: 'Tasks you have passed stay passed. A new start gives you this lab’s files as they were at first.',
          start: 'Start again',
        };
      }
      return {
        status: 'No sandbox yet',
        title: 'A container of your own',
        text: `With a Docker engine inside and this lab’s files in it. Whatever you break in there, only you see it, and a reset brings it back.${
          phase.privileged ? ' This server runs sandboxes privileged: they are for people it trusts.' : ''
        }`,
        start: 'Start the lab',
      };
    case 'starting': {
      const seconds = Math.floor((now - phase.since) / 1000);
      return {
        status: `Starting, ${seconds} s`,
        title: phase.again ? 'Getting you a fresh one' : 'Starting your sandbox',
        text: 'Its Docker engine is coming up. This usually takes a second or two.',
      };
    }
    case 'running': {
      const leftMs = Date.parse(phase.sandbox.expiresAt) - now;
      const left =
        leftMs < SOON_MS
          ? `ends in ${Math.max(0, Math.ceil(leftMs / 60_000))} min`
          : `until ${clock(phase.sandbox.expiresAt)}`;
      return { status: `Running, ${left}`, title: '', text: '' };
    }
    case 'lost':
      return {
        status: 'Not connected',
        title: 'The connection is lost',
        text: phase.problem.message,
        next: phase.problem.next,
      };
    default:
      return phase satisfies never;
  }
}

/** Shows a phase in the page: the light and words of the bar, the panel over the terminal, the buttons. */
export function showPhase(root: HTMLElement, phase: Phase): void {
  const told = tellPhase(phase, Date.now());
  root.dataset.phase = phase.type;
  const put = (selector: string, text: string) => {
    const place = root.querySelector<HTMLElement>(selector);
    if (place && place.textContent !== text) place.replaceChildren(...withCode(text));
  };
  put('[data-status-words]', told.status);
  put('[data-berth-title]', told.title);
  put('[data-berth-text]', told.text);
  const next = root.querySelector<HTMLElement>('[data-berth-next]');
  if (next) {
    next.hidden = !told.next;
    next.replaceChildren(...withCode(told.next ?? ''));
  }
  const start = root.querySelector<HTMLButtonElement>('[data-start]');
  if (start) {
    start.hidden = told.start === undefined;
    start.textContent = told.start ?? '';
  }
  for (const selector of ['[data-reset]', '[data-end]']) {
    const button = root.querySelector<HTMLButtonElement>(selector);
    if (button) button.disabled = phase.type !== 'running';
  }
}
