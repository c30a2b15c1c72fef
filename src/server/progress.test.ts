// What a learner's events add up to.
import { describe, expect, it } from 'vitest';
import type { CheckResult } from '../../grader/check.ts';
import type { LearningEvent, RecordedEvent } from './events.ts';
import { labStateOf, progressOf } from './progress.ts';
import { LABS } from './testing-server.ts';

function recorded(...events: LearningEvent[]): RecordedEvent[] {
  return events.map((event, index) => ({
    ...event,
    id: index + 1,
    at: '2026-11-21T08:00:00.000Z',
    learner: 'ada',
  }));
}

function result(id: string, task: string, status: CheckResult['status']): CheckResult {
  return { id, task, title: id, status, evidence: [], ms: 1 };
}

const one = [...LABS.values()].filter(({ id }) => id === 'one');
const [lab = { id: '', tasks: [] }] = one;

describe('progress', () => {
  it('is nothing at first, and names every lab', () => {
    expect(progressOf([], LABS.values())).toEqual({
      labs: {
        one: { started: false, passedTasks: [], points: 0, of: 15 },
        two: { started: false, passedTasks: [], points: 0, of: 15 },
        three: { started: false, passedTasks: [], points: 0, of: 15 },
      },
      lessons: {},
    });
  });

  it('gives a task’s points once, in the lab’s order, and none for tasks that are gone', () => {
    const events = recorded(
      { type: 'lab-started', lab: 'one' },
      { type: 'task-passed', lab: 'one', task: 'run', points: 5 },
      { type: 'task-passed', lab: 'one', task: 'run', points: 5 },
      { type: 'task-passed', lab: 'one', task: 'build', points: 10 },
      { type: 'task-passed', lab: 'one', task: 'an-old-task', points: 50 },
      { type: 'task-passed', lab: 'two', task: 'run', points: 5 },
      { type: 'lab-reset', lab: 'one' },
    );
    expect(progressOf(events, one).labs).toEqual({
      one: { started: true, passedTasks: ['build', 'run'], points: 15, of: 15 },
    });
  });

  it('keeps an answer right that was right once', () => {
    const answered = (item: string, correct: boolean): LearningEvent => ({
      type: 'quiz-answered',
      lesson: 'x',
      item,
      correct,
    });
    const events = recorded(
      answered('q1', false),
      answered('q1', true),
      answered('q1', false),
      answered('q2', false),
    );
    expect(progressOf(events, []).lessons).toEqual({
      x: { read: false, quiz: { q1: { correct: true }, q2: { correct: false } } },
    });
  });
});

describe('the state of a lab', () => {
  it('shows the last results of each task, in the lab’s order', () => {
    const checked = recorded(
      { type: 'checked', lab: 'one', task: 'run', results: [result('container.up', 'run', 'fail')] },
      {
        type: 'checked',
        lab: 'one',
        task: 'build',
        results: [result('image.exists', 'build', 'pass'), result('an.old.check', 'build', 'fail')],
      },
    );
    expect(labStateOf(lab, [], checked).results.map(({ id, status }) => [id, status])).toEqual([
      ['image.exists', 'pass'],
      ['container.up', 'fail'],
    ]);
  });

  it('forgets results, but neither hints nor passed tasks, when a fresh sandbox takes the old one’s place', () => {
    const events = recorded(
      { type: 'lab-started', lab: 'one' },
      { type: 'checked', lab: 'one', task: 'run', results: [result('container.up', 'run', 'fail')] },
      { type: 'hint-asked', lab: 'one', task: 'run', level: 2 },
      { type: 'hint-asked', lab: 'one', task: 'run', level: 1 },
      { type: 'task-passed', lab: 'one', task: 'build', points: 10 },
      { type: 'lab-reset', lab: 'one' },
    );
    const state = labStateOf(lab, events, events.slice(1, 2));
    expect(state.results).toEqual([]);
    expect(state.passedTasks).toEqual(['build']);
    expect(state.hints).toEqual([
      { task: 'run', level: 1, text: 'run: look' },
      { task: 'run', level: 2, text: 'run: think' },
    ]);
    expect(labStateOf(lab, events.slice(0, -1), events.slice(1, 2)).results).toHaveLength(1);
  });
});
