// Results as text for a terminal: what was asked, what was found, how to see it, why it matters.
import type { CheckResult, Report, Status } from './check.ts';
import type { Lab } from './lab.ts';

/** Puts emphasis on text, or leaves it alone where colours are unwanted. */
export interface Painter {
  strong(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  quiet(text: string): string;
}

export function painter(colours: boolean): Painter {
  const sgr = (code: number) => (text: string) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { strong: sgr(1), good: sgr(32), bad: sgr(31), quiet: sgr(2) };
}

const SIGNS: Readonly<Record<Status, string>> = { pass: '✓', fail: '✗', blocked: '○', error: '!' };

/** One result: a line if it passed, a short paragraph if not. */
export function reportLine(result: CheckResult, paint: Painter): string {
  const title = result.title.replaceAll('`', '');
  const detail = (word: string, text: string | undefined) =>
    text === undefined
      ? []
      : [`    ${paint.quiet(word.padEnd(9))} ${text.replaceAll('\n', `\n${' '.repeat(14)}`)}`];
  switch (result.status) {
    case 'pass':
      return `${paint.good(SIGNS.pass)} ${title}`;
    case 'fail':
      return [
        `${paint.bad(SIGNS.fail)} ${title}`,
        ...detail('expected', result.expected),
        ...detail('found', result.actual),
        ...detail('see', result.see),
        ...detail('why', result.why),
      ].join('\n');
    case 'blocked': {
      const first = result.blockedBy?.length
        ? `first: ${result.blockedBy.join(', ')}`
        : (result.because ?? '');
      return `${paint.quiet(`${SIGNS.blocked} ${title}`)}\n    ${paint.quiet(first)}`;
    }
    case 'error':
      return [
        `${SIGNS.error} ${title}`,
        ...detail('trouble', result.because),
        `    ${paint.quiet('This is the grader’s trouble, not yours. It costs you nothing.')}`,
      ].join('\n');
    default:
      return result.status satisfies never;
  }
}

/** The tasks with their points, and the sum. */
export function reportSummary(lab: Lab, report: Report, paint: Painter): string {
  const tasks = report.tasks.map(({ id, passed, points }) => {
    const title = lab.tasks.find((task) => task.id === id)?.title.replaceAll('`', '') ?? id;
    return `${passed ? paint.good(SIGNS.pass) : paint.quiet(SIGNS.blocked)} ${title} (${passed ? points : 0} of ${points})`;
  });
  const seconds = (report.ms / 1000).toFixed(1);
  return [
    '',
    ...tasks,
    '',
    paint.strong(`${report.points} of ${report.of} points`) + paint.quiet(`  (${seconds} s)`),
  ].join('\n');
}
