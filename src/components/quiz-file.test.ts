// What the author of a quiz may write, and is told.
import { expect, it } from 'vitest';
import { parseQuiz, shuffled } from './quiz-file.ts';

const choice = `items:
  - id: one
    kind: choice
    question: Which?
    options:
      - { text: This, correct: true, because: It is. }
      - { text: That, misconception: MC-IMG-01, because: It is not. }
`;

it('reads a choice and an order', () => {
  const items = parseQuiz(
    `${choice}  - { id: two, kind: order, question: Sort., lines: [a, b, c], because: So. }\n`,
    'quiz.yaml',
  );
  expect(items.map(({ kind }) => kind)).toEqual(['choice', 'order']);
});

it('names the file, the item and what was expected there', () => {
  expect(() => parseQuiz(choice.replace('misconception: MC-IMG-01, ', ''), 'content/x/quiz.yaml')).toThrow(
    /content\/x\/quiz\.yaml is not a quiz yet:\n {2}item one.*every wrong option to name the idea/,
  );
  expect(() => parseQuiz(choice.replace('kind: choice', 'kind: essay'), 'quiz.yaml')).toThrow(
    /item one.*kind: choice or kind: order/,
  );
  expect(() => parseQuiz(choice.replace('correct: true, ', ''), 'quiz.yaml')).toThrow(
    /exactly one option with/,
  );
});

it('refuses two items of one name', () => {
  expect(() => parseQuiz(choice + choice.replace('items:\n', ''), 'quiz.yaml')).toThrow(
    /two items with the id "one"/,
  );
});

it('shuffles the same way each time, loses nothing, and is never already right', () => {
  for (const lines of [
    ['a', 'b', 'c'],
    ['x', 'y'],
    ['FROM', 'COPY', 'RUN', 'CMD', 'USER'],
  ]) {
    const order = shuffled(lines);
    expect(order).toEqual(shuffled(lines));
    expect(order.toSorted((a, b) => a - b)).toEqual(lines.map((_, index) => index));
    expect(order).not.toEqual(lines.map((_, index) => index));
  }
});
