// The context viewer of the Dockerfile lesson: applies ignore patterns as they are typed.
import { viewContext } from './context-tree.ts';

class ContextElement extends HTMLElement {
  connectedCallback(): void {
    const patterns = this.querySelector('textarea');
    if (!patterns) return;
    patterns.addEventListener('input', () => this.#show(patterns.value));
    for (const button of this.querySelectorAll<HTMLElement>('[data-try]')) {
      button.addEventListener('click', () => {
        patterns.value = button.dataset.try ?? '';
        this.#show(patterns.value);
      });
    }
    this.#show(patterns.value);
  }

  #show(ignoreFile: string): void {
    const view = viewContext(ignoreFile);
    for (const [index, row] of [...this.querySelectorAll<HTMLElement>('[data-tree] > li')].entries()) {
      const sent = view.rows[index]?.sent ?? true;
      row.dataset.sent = sent ? 'yes' : 'no';
      const spoken = row.querySelector('.visually-hidden');
      if (spoken) spoken.textContent = sent ? 'sent' : 'left out';
    }
    const total = this.querySelector('[data-total]');
    if (total && total.textContent !== view.total) total.textContent = view.total;
  }
}

customElements.define('slipway-context', ContextElement);
