// Fills the course page with what this learner has done: marks on lessons, tasks and points on labs.
import { fetchProgress } from './api.ts';
import { recall } from './memory.ts';

function markLessons(read: ReadonlySet<string>): void {
  for (const row of document.querySelectorAll<HTMLElement>('[data-lesson]')) {
    if (!read.has(row.dataset.lesson ?? '')) continue;
    row.dataset.done = '';
    const state = row.querySelector('[data-state]');
    if (state) state.textContent = 'Read';
  }
}

/** Points the first button at what comes next, once something has been read. */
function pointOnwards(read: ReadonlySet<string>): void {
  const button = document.querySelector<HTMLAnchorElement>('[data-continue]');
  if (!button || read.size === 0) return;
  const next = [...document.querySelectorAll<HTMLAnchorElement>('a[data-lesson], a[data-lab]')].find(
    (row) => row.dataset.done === undefined,
  );
  if (!next) return;
  button.href = next.href;
  // As wide as the words it replaces: nothing may jump.
  button.textContent = 'Go on where you stopped';
}

const read = new Set(recall<string[]>('read') ?? []);
const progress = await fetchProgress();
for (const [slug, lesson] of Object.entries(progress?.lessons ?? {})) if (lesson.read) read.add(slug);
markLessons(read);

let points = 0;
for (const [lab, standing] of Object.entries(progress?.labs ?? {})) {
  points += standing.points;
  for (const row of document.querySelectorAll<HTMLElement>(`[data-lab="${CSS.escape(lab)}"]`)) {
    for (const task of standing.passedTasks) {
      row.querySelector(`[data-task="${CSS.escape(task)}"]`)?.setAttribute('data-passed', '');
    }
    const tasks = row.querySelectorAll('[data-task]').length;
    const done = standing.passedTasks.length >= tasks;
    if (done) row.dataset.done = '';
    else if (standing.started) row.dataset.begun = '';
    const state = row.querySelector('[data-state]');
    if (state && standing.started) {
      state.textContent = done
        ? `Done, ${standing.points} points`
        : `${standing.passedTasks.length} of ${tasks} tasks, ${standing.points} of ${standing.of} points`;
    }
  }
}
const total = document.querySelector('[data-total-progress]');
if (total && points > 0) total.textContent = `. You have ${points} points so far`;
pointOnwards(read);
