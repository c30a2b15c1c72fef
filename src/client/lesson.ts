// What a lesson page does by itself: remembers that it was read, marks where the reader is, copies code.
import { tell } from './api.ts';
import { recall, remember } from './memory.ts';
import './predict.ts';

const slug = document.querySelector<HTMLElement>('[data-lesson-page]')?.dataset.lessonPage ?? '';

const end = document.querySelector('[data-lesson-end]');
if (end) {
  const atEnd = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    atEnd.disconnect();
    remember('read', [...new Set([...(recall<string[]>('read') ?? []), slug])]);
    tell(`/api/lessons/${encodeURIComponent(slug)}/read`);
  });
  atEnd.observe(end);
}

const links = [...document.querySelectorAll<HTMLAnchorElement>('.contents a')];
const headings = links.flatMap(
  (link) => document.getElementById(decodeURIComponent(link.hash.slice(1))) ?? [],
);
let framed = false;
addEventListener(
  'scroll',
  () => {
    if (framed) return;
    framed = true;
    requestAnimationFrame(markPlace);
  },
  { passive: true },
);

/** Marks the section being read in the list of contents. */
function markPlace(): void {
  framed = false;
  const current = headings.findLast((heading) => heading.getBoundingClientRect().top < innerHeight * 0.35);
  for (const link of links) {
    if (current && link.hash.slice(1) === current.id) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
}

for (const block of document.querySelectorAll<HTMLElement>('.prose pre.astro-code')) {
  const frame = document.createElement('div');
  frame.className = 'code-frame';
  block.replaceWith(frame);
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button copy-button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText((block.textContent ?? '').trimEnd());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Select it by hand';
    }
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2000);
  });
  frame.append(block, button);
}
