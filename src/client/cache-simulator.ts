// The layer-cache simulator of the Dockerfile lesson: edits, reordering, and a build that shows what it reused.
import {
  type Build,
  build,
  CAREFUL_ORDER,
  CARELESS_ORDER,
  FIRST_FILES,
  type Files,
  type Outcome,
  type Step,
} from './layer-cache.ts';

type Edit = { readonly label: string; readonly note: string; readonly change: (files: Files) => Files };

function bump(name: string): (files: Files) => Files {
  return (files) => ({ ...files, [name]: `${Number(files[name] ?? '0') + 1}` });
}

const EDITS: readonly Edit[] = [
  { label: 'Edit main.py', note: 'A line of code changed.', change: bump('main.py') },
  { label: 'Add a package', note: 'requirements.txt has a new line.', change: bump('requirements.txt') },
  { label: 'Edit README.md', note: 'Only the documentation changed.', change: bump('README.md') },
  {
    label: 'touch main.py',
    note: 'The time of the file changed, its content did not: the builder compares content.',
    change: (files) => files,
  },
  {
    label: 'Comment in the Dockerfile',
    note: 'Comments are gone before steps are compared, so nothing changed for the builder.',
    change: (files) => files,
  },
];

function words(outcome: Outcome | undefined): string {
  switch (outcome?.kind) {
    case 'cached':
      return 'reused';
    case 'run':
      return `${outcome.seconds.toFixed(1)} s`;
    case 'failed':
      return 'fails';
    case 'skipped':
      return 'not reached';
    default:
      return '';
  }
}

class CacheElement extends HTMLElement {
  #steps: readonly Step[] = CARELESS_ORDER;
  #files: Files = FIRST_FILES;
  #last: Build = build(this.#steps, this.#files, new Set());
  readonly #list = document.createElement('ol');
  readonly #total = document.createElement('span');
  readonly #note = document.createElement('p');

  connectedCallback(): void {
    this.querySelector('[data-static]')?.remove();
    const edits = document.createElement('div');
    edits.className = 'widget-actions';
    for (const edit of EDITS) edits.append(this.#button(edit.label, () => this.#edit(edit)));
    const orders = document.createElement('div');
    orders.className = 'widget-actions';
    orders.append(
      this.#button('Code copied first', () =>
        this.#reorder(CARELESS_ORDER, 'Everything is copied before the packages are installed.'),
      ),
      this.#button('Packages before code', () =>
        this.#reorder(CAREFUL_ORDER, 'What changes least comes first.'),
      ),
      this.#button('Forget the cache', () => this.#forget()),
    );
    this.#list.className = 'cache-steps';
    const total = document.createElement('p');
    total.className = 'cache-total';
    total.append('Whole build', this.#total);
    this.#note.className = 'widget-note';
    this.#note.setAttribute('role', 'status');
    this.append(orders, edits, this.#list, total, this.#note);
    this.#again('Built once, so everything is in the cache now. Edit something.');
  }

  #button(label: string, act: () => void): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button';
    button.textContent = label;
    button.addEventListener('click', act);
    return button;
  }

  #edit(edit: Edit): void {
    this.#files = edit.change(this.#files);
    this.#again(edit.note);
  }

  #reorder(steps: readonly Step[], note: string): void {
    this.#steps = steps;
    this.#again(note);
  }

  #forget(): void {
    this.#last = { ...this.#last, cache: new Set() };
    this.#again('As on a new machine: nothing to reuse.');
  }

  #again(note: string): void {
    this.#last = build(this.#steps, this.#files, this.#last.cache);
    const { outcomes, seconds, succeeded } = this.#last;
    const stop = outcomes.find((outcome) => outcome.kind === 'failed');
    const reused = outcomes.filter((outcome) => outcome.kind === 'cached').length;
    const result = stop
      ? `The build stops: ${stop.because}.`
      : `${reused} of ${outcomes.length} steps reused, ${seconds.toFixed(1)} s.`;
    this.#note.textContent = `${note} ${result}`;
    this.#total.textContent = succeeded ? `${seconds.toFixed(1)} s` : 'stopped';
    this.#list.replaceChildren(...this.#steps.map((step, index) => this.#row(step, index)));
  }

  #row(step: Step, index: number): HTMLLIElement {
    const row = document.createElement('li');
    const outcome = this.#last.outcomes[index];
    row.dataset.outcome = outcome?.kind ?? '';
    const moves = document.createElement('span');
    moves.className = 'cache-moves';
    for (const [direction, arrow] of [
      [-1, '↑'],
      [1, '↓'],
    ] as const) {
      const move = this.#button(arrow, () => this.#move(index, direction));
      move.classList.add('button-quiet');
      move.setAttribute('aria-label', `Move ${direction === -1 ? 'up' : 'down'}: ${step.text}`);
      // FROM stays first, as it must.
      move.disabled = index === 0 || index + direction < 1 || index + direction >= this.#steps.length;
      moves.append(move);
    }
    const text = document.createElement('code');
    text.textContent = step.text;
    const told = document.createElement('span');
    told.className = 'cache-outcome';
    told.textContent = words(outcome);
    if (outcome && 'because' in outcome) told.title = outcome.because;
    row.append(moves, text, told);
    return row;
  }

  #move(index: number, direction: -1 | 1): void {
    const steps = [...this.#steps];
    const [step] = steps.splice(index, 1);
    if (!step) return;
    steps.splice(index + direction, 0, step);
    this.#steps = steps;
    this.#again(`Moved ${direction === -1 ? 'up' : 'down'}.`);
    const buttons = this.#list.children[index + direction]?.querySelectorAll('button');
    const same = buttons?.[direction === -1 ? 0 : 1];
    (same?.disabled ? buttons?.[direction === -1 ? 1 : 0] : same)?.focus();
  }
}

customElements.define('slipway-cache', CacheElement);
