// Follows terminal output to know, at any moment, the bytes of an escape sequence or character that has begun but not ended.

const ESCAPE = 0x1b;
const BELL = 0x07;
const CANCEL = 0x18;
const SUBSTITUTE = 0x1a;

/** A sequence longer than this (a title, an image) is given up: a viewer that joins in it sees its rest as text. */
const LONGEST_BYTES = 64 * 1024;

/**
 * `ground`: plain text. `character`: in a UTF-8 character. `escape`: after ESC. `control`: in a CSI sequence.
 * `title`: in an OSC, which a bell ends too. `string`: in a DCS, SOS, PM or APC.
 */
type State = 'ground' | 'character' | 'escape' | 'control' | 'title' | 'string';

/** Second byte after 0xC2 → what it begins: the controls that are one character, U+0090 to U+009F. */
const CONTROLS: Readonly<Record<number, State>> = {
  144: 'string',
  152: 'string',
  155: 'control',
  157: 'title',
  158: 'string',
  159: 'string',
};

/** Where a stream of output stands between two chunks, by the rules of a VT500 as xterm.js follows them. */
export class UnfinishedSequence {
  #state: State = 'ground';
  #bytes: number[] = [];
  #missing = 0;

  /** The begun sequence so far; empty when the stream stands at a boundary. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  feed(chunk: Uint8Array): void {
    for (let index = 0; index < chunk.length; index++) {
      if (this.#state === 'ground') {
        // Most output is plain text: skip to the next byte that can begin something.
        while (index < chunk.length && isPlain(chunk[index])) index++;
        if (index === chunk.length) return;
      }
      this.#take(chunk[index] ?? 0);
    }
    if (this.#bytes.length > LONGEST_BYTES) this.#become('ground');
  }

  #take(byte: number): void {
    if (this.#state === 'character' && this.#continueCharacter(byte)) return;
    if (byte === ESCAPE) this.#become('escape', byte);
    else if (this.#state === 'ground') this.#begin(byte);
    else if (byte === CANCEL || byte === SUBSTITUTE) this.#become('ground');
    else if (this.#state === 'title' || this.#state === 'string') {
      if ((byte === BELL && this.#state === 'title') || this.#endsString(byte)) this.#become('ground');
      else this.#bytes.push(byte);
    } else if (byte >= 0x80) {
      this.#become('ground');
    } else if (byte >= 0x20) {
      // A control character inside a sequence takes effect at once: it is no part of what is unfinished.
      this.#follow(byte);
    }
  }

  /** False if the byte is no part of the character, which is dropped then. */
  #continueCharacter(byte: number): boolean {
    if (byte < 0x80 || byte >= 0xc0) {
      this.#become('ground');
      return false;
    }
    this.#missing -= 1;
    const oneByteControl = this.#bytes[0] === 0xc2 ? CONTROLS[byte] : undefined;
    if (oneByteControl !== undefined) this.#become(oneByteControl, 0xc2, byte);
    else if (this.#missing === 0) this.#become('ground');
    else this.#bytes.push(byte);
    return true;
  }

  #begin(byte: number): void {
    this.#missing =
      byte >= 0xf0 && byte < 0xf8 ? 3 : byte >= 0xe0 && byte < 0xf0 ? 2 : byte >= 0xc0 && byte < 0xe0 ? 1 : 0;
    if (this.#missing > 0) this.#become('character', byte);
  }

  /** One more byte after ESC or inside a CSI sequence. */
  #follow(byte: number): void {
    if (this.#state === 'control') {
      if (byte >= 0x40 && byte <= 0x7e) this.#become('ground');
      else this.#bytes.push(byte);
      return;
    }
    const first = this.#bytes.length === 1;
    this.#bytes.push(byte);
    if (first && byte === 0x5b) this.#state = 'control';
    else if (first && byte === 0x5d) this.#state = 'title';
    else if (first && (byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f))
      this.#state = 'string';
    else if (byte >= 0x30) this.#become('ground');
  }

  /** The one-byte string terminator, U+009C in UTF-8. */
  #endsString(byte: number): boolean {
    return byte === 0x9c && this.#bytes.at(-1) === 0xc2;
  }

  #become(state: State, ...bytes: number[]): void {
    this.#state = state;
    this.#bytes = bytes;
  }
}

function isPlain(byte: number | undefined): boolean {
  return byte !== undefined && byte !== ESCAPE && byte < 0xc0;
}
