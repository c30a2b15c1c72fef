// Lets the reader answer a quiz and says why; answers go to the server if there is one, and stay in this browser.
import { tell } from './api.ts';
import { recall, remember } from './memory.ts';

interface Remembered {
  readonly correct: boolean;
}

class QuizElement extends HTMLElement {
  connectedCallback(): void {
    for (const item of this.querySelectorAll<HTMLElement>('[data-item]')) {
      item.querySelector('[data-check]')?.addEventListener('click', () => this.#check(item));
      item.addEventListener('click', (event) => {
        const button = (event.target as Element).closest<HTMLButtonElement>('[data-move]');
        if (button) this.#move(item, button);
      });
      if (this.#answers[item.dataset.item ?? '']?.correct)
        this.#say(item, 'right', 'You had this right before.');
    }
  }

  get #lesson(): string {
    return this.dataset.lesson ?? '';
  }

  get #answers(): Record<string, Remembered> {
    return recall<Record<string, Remembered>>(`quiz-${this.#lesson}`) ?? {};
  }

  #say(item: HTMLElement, told: 'right' | 'wrong' | '', words: string): void {
    const verdict = item.querySelector<HTMLElement>('[data-verdict]');
    if (!verdict) return;
    verdict.dataset.told = told;
    verdict.textContent = words;
  }

  #record(item: HTMLElement, correct: boolean, misconception?: string): void {
    const id = item.dataset.item ?? '';
    remember(`quiz-${this.#lesson}`, { ...this.#answers, [id]: { correct } });
    const body = misconception ? { item: id, correct, misconception } : { item: id, correct };
    tell(`/api/lessons/${encodeURIComponent(this.#lesson)}/quiz`, body);
  }

  #check(item: HTMLElement): void {
    if (item.dataset.kind === 'order') this.#checkOrder(item);
    else this.#checkChoice(item);
  }

  #checkChoice(item: HTMLElement): void {
    const chosen = item.querySelector('input:checked')?.closest<HTMLElement>('.quiz-option');
    if (!chosen) {
      this.#say(item, '', 'Choose an answer first.');
      return;
    }
    for (const option of item.querySelectorAll<HTMLElement>('.quiz-option')) {
      const because = option.querySelector<HTMLElement>('[data-because]');
      delete option.dataset.told;
      if (because) because.hidden = option !== chosen;
    }
    const correct = chosen.dataset.correct !== undefined;
    chosen.dataset.told = correct ? 'right' : 'wrong';
    this.#say(
      item,
      correct ? 'right' : 'wrong',
      correct ? 'Right.' : 'Not this one. Read why, then choose again.',
    );
    this.#record(item, correct, chosen.dataset.misconception);
  }

  #checkOrder(item: HTMLElement): void {
    const lines = [...item.querySelectorAll<HTMLElement>('[data-place]')];
    let firstWrong = -1;
    for (const [index, line] of lines.entries()) {
      const right = Number(line.dataset.place) === index;
      if (!right && firstWrong === -1) firstWrong = index;
      // Only the first line out of place is told: the rest may be right once it is.
      line.dataset.told = firstWrong === -1 ? 'right' : firstWrong === index ? 'wrong' : '';
    }
    const correct = firstWrong === -1;
    this.#say(
      item,
      correct ? 'right' : 'wrong',
      correct
        ? 'Right.'
        : `The first ${firstWrong === 0 ? 'line' : `${firstWrong + 1} lines`}: the marked one belongs elsewhere.`,
    );
    const answer = item.querySelector<HTMLDetailsElement>('[data-answer]');
    if (correct && answer) answer.open = true;
    this.#record(item, correct);
  }

  #move(item: HTMLElement, button: HTMLButtonElement): void {
    const line = button.closest<HTMLElement>('[data-place]');
    const other = button.dataset.move === 'up' ? line?.previousElementSibling : line?.nextElementSibling;
    if (!line || !other) return;
    if (button.dataset.move === 'up') other.before(line);
    else other.after(line);
    for (const each of item.querySelectorAll<HTMLElement>('[data-told]')) delete each.dataset.told;
    this.#say(item, '', `Now line ${[...(line.parentElement?.children ?? [])].indexOf(line) + 1}.`);
    // Moving a node in the document takes the focus from it.
    button.focus();
  }
}

customElements.define('slipway-quiz', QuizElement);
