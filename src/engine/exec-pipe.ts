// What a command in a container says and hears: as a byte pipe that exists at once, or as bounded text.
import { Duplex } from 'node:stream';
import { frameDecoder } from '../../grader/stream-frames.ts';

/** Output kept of one command, in bytes each of stdout and stderr: enough for a build log, bounded against `yes`. */
export const EXEC_OUTPUT_MAX_BYTES = 4 * 1024 * 1024;

/** Collects text up to `EXEC_OUTPUT_MAX_BYTES`. */
export function boundedText() {
  const chunks: Buffer[] = [];
  let size = 0;
  let cut = false;
  return {
    add(chunk: Buffer) {
      const room = EXEC_OUTPUT_MAX_BYTES - size;
      if (chunk.length > room) cut = true;
      if (room <= 0) return;
      chunks.push(chunk.subarray(0, room));
      size += Math.min(chunk.length, room);
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
    truncated: () => cut,
  };
}

/** A Duplex that exists before its exec does: callers such as an HTTP agent need a socket at once. */
export class ExecPipe extends Duplex {
  #inner: Duplex | undefined;
  #waiting: (() => void) | undefined;
  #stderr = '';

  constructor(start: () => Promise<{ readonly stream: Duplex }>) {
    super({ allowHalfOpen: true });
    start().then(
      ({ stream }) => this.#connect(stream),
      (error: Error) => this.destroy(error),
    );
  }

  // What an HTTP client calls on a real socket; a pipe to a process has none of it.
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #connect(stream: Duplex) {
    if (this.destroyed) {
      stream.destroy();
      return;
    }
    this.#inner = stream;
    const decode = frameDecoder((kind, payload) => {
      if (kind === 'stderr') this.#stderr = (this.#stderr + payload.toString('utf8')).slice(-2_000);
      else if (!this.push(payload)) stream.pause();
    });
    stream.on('data', decode);
    stream.on('end', () => {
      if (this.#stderr === '') this.push(null);
      else this.destroy(new Error(`The connection into the sandbox ended: ${this.#stderr.trim()}`));
    });
    stream.on('close', () => this.destroy());
    stream.on('error', (error) => this.destroy(error));
    this.emit('connect');
    this.#waiting?.();
    this.#waiting = undefined;
  }

  override _read() {
    this.#inner?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void) {
    const write = () => {
      if (this.#inner === undefined || this.#inner.destroyed)
        done(new Error('The connection into the sandbox is closed.'));
      else this.#inner.write(chunk, done);
    };
    if (this.#inner === undefined) this.#waiting = write;
    else write();
  }

  override _final(done: (error?: Error | null) => void) {
    const end = () => {
      this.#inner?.end();
      done();
    };
    if (this.#inner === undefined) this.#waiting = end;
    else end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void) {
    this.#inner?.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
    done(error);
  }
}
