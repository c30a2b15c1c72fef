// What a learner's events add up to: pure folds, nothing stored.
import type { CheckResult } from '../../grader/check.ts';
import type { Lab } from '../../grader/lab.ts';
import type { LabState, Progress } from '../protocol.ts';
import type { RecordedEvent } from './events.ts';

/** What a fold needs to know of a lab. */
type KnownLab = Pick<Lab, 'id' | 'tasks'>;

/** A learner's progress over all labs that exist now, and every lesson they did something in. */
export function progressOf(events: readonly RecordedEvent[], labs: Iterable<KnownLab>): Progress {
  const standing: Record<string, Progress['labs'][string]> = {};
  for (const lab of labs) {
    const started = events.some((event) => event.type === 'lab-started' && event.lab === lab.id);
    standing[lab.id] = { started, ...passedIn(events, lab) };
  }
  const lessons: Record<string, { read: boolean; quiz: Record<string, { correct: boolean }> }> = {};
  for (const event of events) {
    if (event.type !== 'lesson-read' && event.type !== 'quiz-answered') continue;
    lessons[event.lesson] ??= { read: false, quiz: {} };
    const lesson = lessons[event.lesson];
    if (lesson === undefined) continue;
    if (event.type === 'lesson-read') lesson.read = true;
    // What was answered rightly once stays so: trying a wrong answer for its explanation costs nothing.
    else lesson.quiz[event.item] = { correct: event.correct || lesson.quiz[event.item]?.correct === true };
  }
  return { labs: standing, lessons };
}

/** A learner's standing in one lab, apart from its sandbox. `checked` is what `Store.lastChecked` gave. */
export function labStateOf(
  lab: KnownLab,
  events: readonly RecordedEvent[],
  checked: readonly RecordedEvent[],
): Omit<LabState, 'sandbox'> {
  // Results tell of the sandbox they were taken in; a fresh one starts with none.
  let freshSince = 0;
  for (const event of events) {
    if ((event.type === 'lab-started' || event.type === 'lab-reset') && event.lab === lab.id)
      freshSince = event.id;
  }
  const results: CheckResult[] = [];
  for (const task of lab.tasks) {
    const known = new Set(task.checks.map((check) => check.id));
    for (const event of checked) {
      if (event.type !== 'checked' || event.id < freshSince || event.task !== task.id) continue;
      results.push(...event.results.filter((result) => known.has(result.id)));
    }
  }
  return { lab: lab.id, ...passedIn(events, lab), results, hints: hintsOf(lab, events) };
}

function passedIn(
  events: readonly RecordedEvent[],
  lab: KnownLab,
): { passedTasks: string[]; points: number; of: number } {
  const passed = new Set<string>();
  for (const event of events) {
    if (event.type === 'task-passed' && event.lab === lab.id) passed.add(event.task);
  }
  const tasks = lab.tasks.filter((task) => passed.has(task.id));
  return {
    passedTasks: tasks.map((task) => task.id),
    points: sum(tasks),
    of: sum(lab.tasks),
  };
}

function sum(tasks: readonly { readonly points: number }[]): number {
  return tasks.reduce((total, task) => total + task.points, 0);
}

function hintsOf(lab: KnownLab, events: readonly RecordedEvent[]): LabState['hints'] {
  const asked = new Set<string>();
  for (const event of events) {
    if (event.type === 'hint-asked' && event.lab === lab.id) asked.add(`${event.task} ${event.level}`);
  }
  const levels = [1, 2, 3] as const;
  return lab.tasks.flatMap((task) =>
    levels
      .filter((level) => asked.has(`${task.id} ${level}`))
      .map((level) => ({ task: task.id, level, text: task.hints[level - 1] ?? '' })),
  );
}
