// Makes the choices of a prediction clickable, and remembers what was predicted.
import { recall, remember } from './memory.ts';

class PredictElement extends HTMLElement {
  connectedCallback(): void {
    const id = this.dataset.predict ?? '';
    const before = recall<number>(`predict-${id}`);
    const reveal = this.querySelector<HTMLDetailsElement>('.reveal');
    for (const [index, item] of [...this.querySelectorAll('.predict-choices > li')].entries()) {
      const radio = document.createElement('input');
      radio.type = 'radio';
      radio.name = `predict-${id}`;
      radio.checked = before === index;
      const words = document.createElement('span');
      words.append(...item.childNodes);
      const label = document.createElement('label');
      label.append(radio, words);
      item.append(label);
      radio.addEventListener('change', () => {
        remember(`predict-${id}`, index);
        if (reveal) reveal.open = true;
      });
    }
  }
}

customElements.define('slipway-predict', PredictElement);
