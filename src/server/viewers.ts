// The pages that look at one terminal: what each was sent, what it has shown, and which one is in front.
import type { TerminalSize } from '../engine/spawner.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, type TerminalNotice } from '../protocol.ts';

/** One page's end of a terminal. */
export interface Viewer {
  output(bytes: Uint8Array): void;
  notice(notice: TerminalNotice): void;
  close(code: number, reason: string): void;
}

/** A viewer and its account: bytes sent and acknowledged since its last replay. */
export class Account {
  readonly viewer: Viewer;
  size: TerminalSize;
  /** True when the screen took another viewer's size since this one was painted. */
  stale = false;
  /** Output that waits for the replay being made; undefined when there is none. */
  #queue: Uint8Array[] | undefined = [];
  #queuedBytes = 0;
  #sentBytes = 0;
  #acknowledgedBytes = 0;
  #progressAt: number;

  constructor(viewer: Viewer, size: TerminalSize, now: number) {
    this.viewer = viewer;
    this.size = size;
    this.#progressAt = now;
  }

  /** Bytes this viewer has been given, or will be, and has not shown yet. */
  get debtBytes(): number {
    return this.#sentBytes - this.#acknowledgedBytes + this.#queuedBytes;
  }

  get replaying(): boolean {
    return this.#queue !== undefined;
  }

  /** From here on output waits, until `replay` is called. */
  beginReplay(): void {
    this.#queue ??= [];
  }

  /** Paints the snapshot, then hands over all that waited for it. */
  replay(size: TerminalSize, snapshot: Uint8Array, now: number): void {
    const queue = this.#queue ?? [];
    this.#queue = undefined;
    this.#queuedBytes = 0;
    this.#sentBytes = 0;
    this.#acknowledgedBytes = 0;
    this.#progressAt = now;
    this.viewer.notice({ type: 'replay', ...size, bytes: snapshot.length });
    for (const bytes of [snapshot, ...queue]) this.send(bytes, now);
  }

  send(bytes: Uint8Array, now: number): void {
    if (bytes.length === 0) return;
    if (this.#queue !== undefined) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
      return;
    }
    if (this.#sentBytes === this.#acknowledgedBytes) this.#progressAt = now;
    this.#sentBytes += bytes.length;
    this.viewer.output(bytes);
  }

  /** Takes a cumulative count. One from before the last replay, or a made-up one, is clamped and heals by itself. */
  acknowledge(bytes: number, now: number): void {
    const shown = Math.min(bytes, this.#sentBytes);
    if (shown <= this.#acknowledgedBytes) return;
    this.#acknowledgedBytes = shown;
    this.#progressAt = now;
  }

  /** How long this viewer has owed an acknowledgement without giving any. */
  silentMs(now: number): number {
    return this.debtBytes === 0 || this.replaying ? 0 : now - this.#progressAt;
  }
}

/** Decides when a shell must wait for those who look at it: above the high mark it pauses, below the low one it goes on. */
export function mustPause(paused: boolean, owedBytes: number): boolean {
  return paused ? owedBytes >= LOW_WATER_BYTES : owedBytes > HIGH_WATER_BYTES;
}

/**
 * True if a frame is a terminal's own reply to a program's question (cursor position, device attributes, colours)
 * rather than something typed. Every page that looks on sends one; only one may reach the program.
 */
export function isTerminalReply(data: Uint8Array): boolean {
  if (data.length < 3 || data.length > 256 || data[0] !== 0x1b) return false;
  return REPLY.test(Buffer.from(data).toString('latin1'));
}
const REPLY = /^\x1b(?:\[[?>=]?[\d;]*(?:[cnRt]|\$y)|P[^\x1b]*\x1b\\|\]\d+;[^\x07\x1b]*(?:\x07|\x1b\\))$/;
