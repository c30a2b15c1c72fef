// Counts what the terminal has parsed, so that the server never sends faster than the page can draw.
import { LOW_WATER_BYTES } from '../protocol.ts';

/** Bytes. Acknowledging in steps of half the low mark keeps the shell running without a message for each line. */
const ACK_STEP_BYTES = LOW_WATER_BYTES / 2;

/** Cumulative acknowledgement of output since the last replay. */
export class FlowAccount {
  #epoch = 0;
  #parsed = 0;
  #acknowledged = 0;
  readonly #send: (bytes: number) => void;

  /** `send` is given the number of bytes parsed since the last `restart`. */
  constructor(send: (bytes: number) => void) {
    this.#send = send;
  }

  /** Counts from zero again. What was on its way before counts no more. */
  restart(): void {
    this.#epoch++;
    this.#parsed = 0;
    this.#acknowledged = 0;
  }

  /** Call when bytes arrive; call the returned function once they are parsed. It returns the total parsed, or `undefined` if a restart came between. */
  arrived(bytes: number): () => number | undefined {
    const epoch = this.#epoch;
    return () => {
      if (epoch !== this.#epoch) return undefined;
      this.#parsed += bytes;
      if (this.#parsed - this.#acknowledged >= ACK_STEP_BYTES) {
        this.#acknowledged = this.#parsed;
        this.#send(this.#parsed);
      }
      return this.#parsed;
    };
  }
}
