// Shows what the grader found, check by check, in the cards of the brief.
import type { LabState } from '../protocol.ts';
import { element, withCode } from './words.ts';

type CheckResult = LabState['results'][number];

const WORDS: Readonly<Record<CheckResult['status'], string>> = {
  pass: 'Passed',
  fail: 'Not yet',
  blocked: 'Waits',
  error: 'Our fault',
};

/** Longest piece of evidence shown; the rest of a long list says nothing more. */
const EVIDENCE_MAX_CHARACTERS = 600;

function rowOf(root: ParentNode, check: string): HTMLElement | null {
  return root.querySelector<HTMLElement>(`[data-check="${CSS.escape(check)}"]`);
}

function setWord(row: HTMLElement, status: string, word: string): void {
  row.dataset.status = status;
  const place = row.querySelector('[data-word]');
  if (place) place.textContent = word;
}

/** Marks a check as being looked at; what was found before stays readable until the new result is here. */
export function showRunning(root: ParentNode, check: string): void {
  const row = rowOf(root, check);
  if (row) setWord(row, 'running', 'Looking');
}

/** A check that was being looked at and never came back is as it was before. */
export function showUnanswered(root: ParentNode): void {
  for (const row of root.querySelectorAll<HTMLElement>('[data-check][data-status="running"]')) {
    delete row.dataset.status;
    const place = row.querySelector('[data-word]');
    if (place) place.textContent = '';
  }
}

/** Shows one result in its place in the brief. */
export function showResult(root: ParentNode, result: CheckResult): void {
  const row = rowOf(root, result.id);
  const more = row?.querySelector<HTMLElement>('[data-more]');
  if (!row || !more) return;
  setWord(row, result.status, WORDS[result.status]);
  more.replaceChildren(...details(root, result));
  more.hidden = more.childElementCount === 0;
}

function details(root: ParentNode, result: CheckResult): HTMLElement[] {
  switch (result.status) {
    case 'pass':
      return result.actual ? [element('p', 'why', ...withCode(result.actual))] : [];
    case 'blocked':
      return [element('p', 'why', ...withCode(waitsFor(root, result)))];
    case 'error':
      return [
        element('p', '', ...withCode(result.because ?? 'The grader could not look.')),
        element('p', 'why', 'It costs you nothing. Check again; if it stays, reset the lab.'),
      ];
    case 'fail':
      return failure(result);
    default:
      return result.status satisfies never;
  }
}

function waitsFor(root: ParentNode, result: CheckResult): string {
  if (result.because) return result.because;
  const titles = (result.blockedBy ?? []).map(
    (id) => rowOf(root, id)?.querySelector('.check-title')?.textContent ?? id,
  );
  return titles.length > 0 ? `Waits for: ${titles.join('; ')}` : 'Waits for something that is not there yet.';
}

function failure(result: CheckResult): HTMLElement[] {
  const found = element('dl', '');
  if (result.expected)
    found.append(element('dt', '', 'Expected'), element('dd', '', ...withCode(result.expected)));
  if (result.actual) found.append(element('dt', '', 'Found'), element('dd', '', ...withCode(result.actual)));
  const parts: HTMLElement[] = [found];
  if (result.why) parts.push(element('p', 'why', ...withCode(result.why)));
  if (result.see) {
    const command = element('button', 'see-command', result.see);
    command.type = 'button';
    command.dataset.see = result.see;
    command.title = 'Puts it into the terminal; Enter runs it';
    command.setAttribute('aria-label', `Put into the terminal: ${result.see}`);
    parts.push(element('div', 'see', 'See for yourself', command));
  }
  if (result.evidence.length > 0) parts.push(evidence(result));
  return parts;
}

function evidence(result: CheckResult): HTMLElement {
  const body = element('tbody', '');
  for (const { api, field, value } of result.evidence) {
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    const text = (shown ?? 'nothing').slice(0, EVIDENCE_MAX_CHARACTERS);
    body.append(element('tr', '', element('td', '', api), element('td', '', field), element('td', '', text)));
  }
  const head = element('tr', '');
  for (const title of ['Asked', 'Field', 'Answer']) {
    const cell = element('th', '', title);
    cell.scope = 'col';
    head.append(cell);
  }
  const fold = element('details', 'fold evidence', element('summary', '', 'What was looked at'));
  fold.append(element('table', '', element('thead', '', head), body));
  return fold;
}
