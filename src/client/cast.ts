// Plays a recorded terminal in place: swaps the lines of the text that already stands there.
import type { Film } from '../markdown/cast-film.ts';

const SPEEDS = [1, 2, 4] as const;
/** Seconds. A reader watches, not waits. */
const PAUSE_MAX_SECONDS = 2;
/** Readers who asked for less motion. */
const STILL = matchMedia('(prefers-reduced-motion: reduce)');

class CastElement extends HTMLElement {
  #film: Film | undefined;
  #lines: string[] = [];
  #next = 0;
  #timer: number | undefined;
  #speed: (typeof SPEEDS)[number] = 1;

  connectedCallback(): void {
    this.addEventListener('click', (event) => {
      const button = (event.target as Element).closest<HTMLButtonElement>('[data-act]');
      if (button) void this.#act(button.dataset.act ?? '');
    });
    // Without motion there is nothing to play: Step shows the same, one command at a time.
    this.#button('play').hidden = STILL.matches;
    this.#button('speed').hidden = STILL.matches;
  }

  disconnectedCallback(): void {
    this.#pause();
  }

  async #act(act: string): Promise<void> {
    if (act === 'speed') return this.#faster();
    if (act === 'play' && this.#timer !== undefined) return this.#pause();
    const film = await this.#load();
    if (!film) return;
    if (act === 'end') return this.#showAll(film);
    if (this.#next === 0 || this.#next >= film.frames.length) this.#rewind();
    if (act === 'play') {
      this.#button('play').textContent = 'Pause';
      this.#advance(film);
    } else {
      this.#pause();
      this.#step(film);
    }
  }

  async #load(): Promise<Film | undefined> {
    if (this.#film) return this.#film;
    try {
      const response = await fetch(this.dataset.film ?? '');
      if (response.ok) this.#film = (await response.json()) as Film;
    } catch {
      // The text already stands there in full; only the replay is missing.
    }
    if (!this.#film) this.#button('play').textContent = 'Not available offline';
    return this.#film;
  }

  #button(act: string): HTMLButtonElement {
    const button = this.querySelector<HTMLButtonElement>(`[data-act="${act}"]`);
    if (!button) throw new Error(`This recording has no "${act}" button.`);
    return button;
  }

  get #text(): HTMLElement {
    return this.querySelector<HTMLElement>('.cast-text') ?? this;
  }

  #rewind(): void {
    // Keeps its height, so that the page below stays where it is.
    this.#text.style.height = `${this.#text.offsetHeight}px`;
    this.#lines = [];
    this.#next = 0;
    this.#button('end').disabled = false;
  }

  #showFrame(film: Film): void {
    const frame = film.frames[this.#next++];
    if (!frame) return;
    const [, count, changes] = frame;
    for (const [row, text] of changes) this.#lines[row] = film.texts[text] ?? '';
    this.#lines.length = count;
  }

  #paint(): void {
    const code = this.#text.firstElementChild ?? this.#text;
    code.innerHTML = Array.from(this.#lines, (line) => line ?? '').join('\n');
    this.#text.scrollTop = this.#text.scrollHeight;
  }

  #advance(film: Film): void {
    this.#showFrame(film);
    this.#paint();
    const now = film.frames[this.#next - 1]?.[0] ?? 0;
    const then = film.frames[this.#next]?.[0];
    if (then === undefined) {
      this.#finish();
      return;
    }
    const seconds = Math.min(then - now, PAUSE_MAX_SECONDS) / this.#speed;
    this.#timer = window.setTimeout(() => this.#advance(film), seconds * 1000);
  }

  /** Goes on until something new has come and the screen then rested: a command, or what it answered. */
  #step(film: Film): void {
    do {
      this.#showFrame(film);
      const now = film.frames[this.#next - 1]?.[0] ?? 0;
      const then = film.frames[this.#next]?.[0];
      if (then === undefined || then - now > 0.4) break;
    } while (this.#next < film.frames.length);
    this.#paint();
    if (this.#next >= film.frames.length) this.#finish();
  }

  #showAll(film: Film): void {
    if (this.#next === 0) this.#rewind();
    while (this.#next < film.frames.length) this.#showFrame(film);
    this.#paint();
    this.#finish();
  }

  #finish(): void {
    this.#pause();
    this.#next = this.#film?.frames.length ?? 0;
    this.#button('play').textContent = 'Play again';
    this.#button('end').disabled = true;
  }

  #pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#button('play').textContent = 'Play';
  }

  #faster(): void {
    this.#speed = SPEEDS[(SPEEDS.indexOf(this.#speed) + 1) % SPEEDS.length] ?? 1;
    const button = this.#button('speed');
    button.textContent = `${this.#speed}×`;
    button.setAttribute('aria-label', `Speed, now ${this.#speed} times`);
  }
}

customElements.define('slipway-cast', CastElement);
