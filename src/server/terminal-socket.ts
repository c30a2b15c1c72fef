// The terminal's socket: who may open it, and what its frames mean.
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { TerminalSize } from '../engine/spawner.ts';
import { TERMINAL_CLOSE, TERMINAL_FRAME_MAX_BYTES, terminalQuery, terminalRequest } from '../protocol.ts';
import type { Guards } from './guards.ts';
import type { Log } from './log.ts';
import { engineLost, Refusal } from './refusal.ts';
import type { Sandboxes } from './sandboxes.ts';
import type { Sessions } from './sessions.ts';
import { type Attachment, closeFor } from './terminal.ts';
import type { Terminals } from './terminals.ts';
import type { Viewer } from './viewers.ts';

export interface TerminalSocket {
  /** Answers an upgrade request for `/api/terminal`; false if it asks for something else, untouched. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Ends what is left of the sockets. */
  close(): void;
}

export interface TerminalSocketOptions {
  readonly guards: Guards;
  readonly sessions: Sessions;
  readonly sandboxes: Pick<Sandboxes, 'find' | 'engine'>;
  readonly terminals: Pick<Terminals, 'attach'>;
  readonly log: Log;
  readonly pingEveryMs?: number;
}

const PATH = '/api/terminal';
/** A socket that has not answered one ping by the next is dead: proxies and sleeping laptops don't say so. */
const PING_EVERY_MS = 20_000;
/** Three shells, two labs and a second window of each: nobody needs more. */
const SOCKETS_PER_LEARNER = 12;
/**
 * The library's own bound, above ours: a frame between the two gets our close code and a reason, and one beyond it
 * the standard 1009, before it is in memory.
 */
const FRAME_HARD_MAX_BYTES = 4 * TERMINAL_FRAME_MAX_BYTES;
/** Opening paints a whole screen, which costs the server tens of milliseconds: a page that reconnects asks far less often. */
const OPENINGS_PER_MINUTE = 120;
/** A page may send this much at once, and then this much a second; beyond it, it is read more slowly. */
const INPUT_BURST_BYTES = 1024 * 1024;
const INPUT_BYTES_PER_SECOND = 256 * 1024;
const CONTROL_FRAME_MAX_BYTES = 1024;

export function createTerminalSocket(options: TerminalSocketOptions): TerminalSocket {
  const { guards, sessions, sandboxes, terminals, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_HARD_MAX_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  const perLearner = new Map<string, number>();
  const openings = new Map<string, number>();
  const forgetOpenings = setInterval(() => openings.clear(), 60_000);
  forgetOpenings.unref();

  const pinger = setInterval(() => {
    for (const socket of sockets.clients) {
      if (unanswered.has(socket)) socket.terminate();
      else if (socket.readyState === socket.OPEN) {
        unanswered.add(socket);
        socket.ping();
      }
    }
  }, options.pingEveryMs ?? PING_EVERY_MS);
  pinger.unref();
  const unanswered = new WeakSet<WebSocket>();

  /** Everything that can be said no to before there is a socket. */
  function admit(request: IncomingMessage) {
    const { host, origin, cookie } = request.headers;
    if (!guards.hostAllowed(host) || !guards.originAllowed(origin, host)) {
      throw new Refusal('wrong-origin', 'A terminal opens only from the pages of this site.');
    }
    const learner = sessions.learnerOf(cookie);
    if (learner === undefined) {
      throw new Refusal('not-yours', 'Your browser did not say who you are, so no terminal was opened.', {
        next: 'Reload the page; cookies must be allowed for this site.',
      });
    }
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const query = terminalQuery.safeParse(Object.fromEntries(searchParams));
    if (!query.success) {
      throw new Refusal(
        'bad-request',
        `A terminal is asked for with lab, shell (1, 2 or 3), cols and rows; "${query.error.issues[0]?.path.join('.')}" is not as it should be.`,
      );
    }
    if ((perLearner.get(learner) ?? 0) >= SOCKETS_PER_LEARNER) {
      throw new Refusal('too-many-requests', `You have ${SOCKETS_PER_LEARNER} terminals open already.`, {
        next: 'Close some of the pages that show one.',
        retryAfterSeconds: 10,
      });
    }
    const opened = (openings.get(learner) ?? 0) + 1;
    openings.set(learner, opened);
    if (opened > OPENINGS_PER_MINUTE) {
      throw new Refusal(
        'too-many-requests',
        'Your pages open terminals faster than anybody could look at them.',
        {
          next: 'Wait a minute, then reload the page.',
          retryAfterSeconds: 60,
        },
      );
    }
    const { lab, shell, cols, rows } = query.data;
    const sandbox = sandboxes.find(learner, lab);
    if (sandboxes.engine === 'lost') throw engineLost();
    if (sandbox === 'starting') {
      throw new Refusal('start-under-way', 'Your container is still starting.', { retryAfterSeconds: 1 });
    }
    if (sandbox === undefined) {
      throw new Refusal('no-sandbox', 'You have no container for this lab.', {
        next: 'Start the lab first.',
      });
    }
    return { learner, sandbox, shell, size: { cols, rows } };
  }

  function count(learner: string, change: 1 | -1): void {
    const next = (perLearner.get(learner) ?? 0) + change;
    if (next <= 0) perLearner.delete(learner);
    else perLearner.set(learner, next);
  }

  return {
    upgrade(request, socket, head) {
      if (URL.parse(request.url ?? '', 'http://localhost')?.pathname !== PATH) return false;
      socket.on('error', (error) => log.debug(error, 'A terminal socket broke'));
      try {
        const { learner, sandbox, shell, size } = admit(request);
        sockets.handleUpgrade(request, socket, head, (webSocket) => {
          count(learner, 1);
          webSocket.once('close', () => count(learner, -1));
          webSocket.on('pong', () => unanswered.delete(webSocket));
          serve(webSocket, (viewer) => terminals.attach(sandbox, shell, size, viewer), log);
        });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refuse(socket, error);
      }
      return true;
    },
    close() {
      clearInterval(pinger);
      clearInterval(forgetOpenings);
      for (const socket of sockets.clients) {
        // Those closed in good order get a moment to say goodbye; the rest are cut.
        if (socket.readyState === socket.OPEN)
          socket.close(1012, 'Slipway is restarting; this shell is kept.');
        setTimeout(() => socket.terminate(), 500).unref();
      }
      sockets.close();
    },
  };
}

/** Connects one socket's frames to a terminal. Frames that come before the terminal is there wait for it. */
function serve(socket: WebSocket, attach: (viewer: Viewer) => Promise<Attachment>, log: Log): void {
  let attachment: Attachment | undefined;
  const viewer: Viewer = {
    output: (bytes) => socket.send(bytes, { binary: true }),
    notice: (notice) => socket.send(JSON.stringify(notice)),
    close: (code, reason) => socket.close(code, closeReason(reason)),
  };
  const pace = createPace();
  const attached = attach(viewer);

  socket.on('message', (data: RawData, isBinary: boolean) => {
    const bytes = asBuffer(data);
    const held = pace(bytes.length);
    if (held > 0 && !socket.isPaused) {
      socket.pause();
      setTimeout(() => socket.resume(), held);
    }
    // A function of the promise rather than of `attachment`, so that frames keep their order.
    void attached.then((to) => take(to, bytes, isBinary)).catch(() => {});
  });
  function take(to: Attachment, bytes: Buffer, isBinary: boolean): void {
    if (socket.readyState !== socket.OPEN) return;
    const problem = frameProblem(to, bytes, isBinary);
    if (problem !== undefined) viewer.close(TERMINAL_CLOSE.badFrame, problem);
  }
  socket.on('error', (error) => log.debug(error, 'A terminal socket sent what it may not'));
  socket.once('close', () => {
    attachment?.detach();
    attachment = undefined;
  });
  attached.then(
    (to) => {
      if (socket.readyState === socket.OPEN) attachment = to;
      else to.detach();
    },
    (error) => {
      const { code, reason } = closeFor(error);
      log.warn(error, 'A shell could not be reached');
      viewer.close(code, reason);
    },
  );
}

/** Does what a frame asks for; or says what is wrong with it. */
function frameProblem(to: Attachment, bytes: Buffer, isBinary: boolean): string | undefined {
  if (isBinary) {
    if (bytes.length > TERMINAL_FRAME_MAX_BYTES) {
      return `Too much at once: at most ${TERMINAL_FRAME_MAX_BYTES} bytes a frame. The shell is untouched.`;
    }
    to.input(bytes);
    return undefined;
  }
  if (bytes.length > CONTROL_FRAME_MAX_BYTES)
    return 'A control message is shorter than this. The shell is untouched.';
  const request = terminalRequest.safeParse(parseJson(bytes));
  if (!request.success) return 'This message means nothing to a terminal. The shell is untouched.';
  if (request.data.type === 'ack') to.acknowledge(request.data.bytes);
  else to.resize(sizeOf(request.data));
  return undefined;
}

function sizeOf({ cols, rows }: TerminalSize): TerminalSize {
  return { cols, rows };
}

/** Says for each frame how many milliseconds to wait before the next one is read. */
function createPace(): (bytes: number) => number {
  let budget = INPUT_BURST_BYTES;
  let at = performance.now();
  return (bytes) => {
    const now = performance.now();
    budget = Math.min(INPUT_BURST_BYTES, budget + ((now - at) / 1000) * INPUT_BYTES_PER_SECOND) - bytes;
    at = now;
    return budget >= 0 ? 0 : Math.ceil((-budget / INPUT_BYTES_PER_SECOND) * 1000);
  };
}

function refuse(socket: Duplex, refusal: Refusal): void {
  const body = JSON.stringify(refusal.problem);
  const retryAfter =
    refusal.retryAfterSeconds === undefined ? '' : `Retry-After: ${refusal.retryAfterSeconds}\r\n`;
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n` +
      'Content-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n${retryAfter}Connection: close\r\n\r\n${body}`,
  );
}

/** A close reason holds 123 bytes; a longer one would throw. */
function closeReason(text: string): string {
  let reason = text;
  while (Buffer.byteLength(reason) > 123) reason = `${reason.slice(0, -2).trimEnd()}…`;
  return reason;
}

function asBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    // The caller's schema turns it down.
    return undefined;
  }
}
