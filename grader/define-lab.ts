// Turns what an author writes into a Lab, and refuses what could not be graded, with the place and an example.
import type { Check } from './check.ts';
import type { Lab, Mutant, Task } from './lab.ts';

/** A lab needs at least this many wrong answers, and every check must be killed by one. */
export const MUTANTS_LEAST = 3;

const SLUG = /^[a-z][a-z0-9-]*$/;
const CHECK_ID = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/;

/** The lab as given, checked for what would make it ungradable. Throws an `Error` whose sentence names the place. */
export function defineLab(lab: Lab): Lab {
  const problem = problems(lab)[0];
  if (problem !== undefined) throw new Error(`labs/${lab.id}/lab.ts: ${problem}`);
  return lab;
}

/** Everything that is wrong with a lab, as sentences; empty if nothing is. */
export function problems(lab: Lab): string[] {
  const checks = lab.tasks.flatMap((task) => task.checks);
  return [
    ...(SLUG.test(lab.id)
      ? []
      : [`the id "${lab.id}" should be its folder's name, such as "etl-dockerfile".`]),
    ...lab.tasks.flatMap((task) => taskProblems(task)),
    ...twice(lab.tasks.map((task) => task.id)).map(
      (id) => `two tasks have the id "${id}"; give each its own.`,
    ),
    ...twice(checks.map((check) => check.id)).map(
      (id) => `two checks have the id "${id}"; give each its own, such as "${id}-again".`,
    ),
    ...checks.flatMap((check) => checkProblems(check, checks)),
    ...circles(checks),
    ...mutantProblems(lab.mutants, checks),
  ];
}

function taskProblems(task: Task): string[] {
  const hints: readonly string[] = task.hints;
  return [
    ...(SLUG.test(task.id)
      ? []
      : [`the task id "${task.id}" should be short and in lower case, such as "cache".`]),
    ...(Number.isInteger(task.points) && task.points > 0
      ? []
      : [`task "${task.id}" gives ${task.points} points; expected a whole number from 1.`]),
    ...(task.checks.length > 0
      ? []
      : [`task "${task.id}" has no checks; a task without one can't be passed.`]),
    ...(hints.length === 3 && hints.every((hint) => hint.trim() !== '')
      ? []
      : [
          `task "${task.id}" has ${hints.filter((hint) => hint.trim() !== '').length} hints; expected three: a nudge, a concept, and nearly there.`,
        ]),
  ];
}

function checkProblems(check: Check, all: readonly Check[]): string[] {
  return [
    ...(CHECK_ID.test(check.id)
      ? []
      : [`the check id "${check.id}" should be dotted and in lower case, such as "image.non-root".`]),
    ...check.needs
      .filter((need) => !all.some(({ id }) => id === need))
      .map(
        (need) =>
          `check "${check.id}" needs "${need}", which is no check of this lab. There are: ${all.map(({ id }) => id).join(', ')}.`,
      ),
  ];
}

function circles(checks: readonly Check[]): string[] {
  const needs = new Map(checks.map((check) => [check.id, check.needs]));
  const reaches = (from: string, to: string, seen: Set<string>): boolean =>
    (needs.get(from) ?? []).some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, to, seen);
    });
  return checks
    .filter(({ id }) => reaches(id, id, new Set()))
    .map(({ id }) => `check "${id}" needs itself, by way of what it needs.`);
}

function mutantProblems(mutants: readonly Mutant[], checks: readonly Check[]): string[] {
  const killed = new Set(mutants.flatMap((mutant) => mutant.fails));
  return [
    ...(mutants.length >= MUTANTS_LEAST
      ? []
      : [
          `it has ${mutants.length} mutants; expected at least ${MUTANTS_LEAST}, each a wrong answer that learners give.`,
        ]),
    ...twice(mutants.map((mutant) => mutant.name)).map((name) => `two mutants are called "${name}".`),
    ...mutants
      .filter((mutant) => mutant.fails.length === 0)
      .map((mutant) => `mutant "${mutant.name}" fails nothing; name the checks that must catch it.`),
    ...mutants.flatMap((mutant) =>
      mutant.fails
        .filter((id) => !checks.some((check) => check.id === id))
        .map(
          (id) =>
            `mutant "${mutant.name}" should fail "${id}", which is no check of this lab. There are: ${checks.map((check) => check.id).join(', ')}.`,
        ),
    ),
    ...checks
      .filter((check) => !killed.has(check.id))
      .map(
        (check) =>
          `no mutant fails the check "${check.id}"; add a wrong answer that only it catches, or drop it.`,
      ),
  ];
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
