// `<docker-terminal lab="…" shell="1">`: a shell of the learner's sandbox, drawn here, running there.
import { FitAddon } from '@xterm/addon-fit';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { TERMINAL_FRAME_MAX_BYTES, type TerminalNotice, type TerminalRequest } from '../protocol.ts';
import { FlowAccount } from './flow.ts';
import { endingOf, retryDelayMs } from './reconnect.ts';
import { terminalTheme, watchTheme } from './terminal-theme.ts';

/** Milliseconds. A dragged divider settles before the shell is told its new size. */
const RESIZE_SETTLE_MS = 90;
/** Milliseconds. Cells are measured with the right font if it comes in time, else with the fallback. */
const FONT_PATIENCE_MS = 1_500;
const FONT = '"JetBrains Mono Variable", ui-monospace, Menlo, monospace';
/** Bytes of one frame to the server: well below what it accepts. */
const PASTE_STEP_BYTES = TERMINAL_FRAME_MAX_BYTES / 4;

export type TerminalState =
  | 'idle'
  | 'connecting'
  | 'open'
  | 'retrying'
  | 'exited'
  | 'gone'
  | 'refused'
  | 'faulty';

/** What a terminal tells the page around it, as `CustomEvent`s that bubble. */
export interface TerminalEvents {
  /** Its connection changed; `reason` is what the server said when it closed it. */
  'terminal-state': { readonly state: TerminalState; readonly reason: string };
  /** The server has something to say. */
  'terminal-notice': { readonly level: 'info' | 'warning'; readonly message: string };
  /** The learner pressed the key that leaves the terminal. */
  'terminal-leave': Record<string, never>;
}

export class DockerTerminal extends HTMLElement {
  /** The terminal itself, once it is shown; tests read its buffer. */
  xterm: Terminal | undefined;
  #fit = new FitAddon();
  #socket: WebSocket | undefined;
  #attempt = 0;
  #retryTimer: number | undefined;
  #settleTimer: number | undefined;
  #replayBytes = 0;
  #state: TerminalState = 'idle';
  #opened: Promise<void> | undefined;
  readonly #flow = new FlowAccount((bytes) => this.#request({ type: 'ack', bytes }));
  readonly #size = new ResizeObserver(() => this.#settle());
  readonly #encoder = new TextEncoder();
  #unwatchTheme: (() => void) | undefined;

  get state(): TerminalState {
    return this.#state;
  }

  /** Shows the terminal and attaches to its shell; does nothing if it is attached already. */
  async connect(): Promise<void> {
    this.#opened ??= this.#open();
    await this.#opened;
    if (this.#socket || !this.isConnected) return;
    this.#dial();
  }

  /** Lets go of the shell and forgets the screen: the sandbox it belonged to is no more. */
  disconnect(): void {
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
    this.xterm?.reset();
    this.#enter('idle');
  }

  /** Puts text at the prompt as if pasted; it runs only when the learner presses Enter. */
  insert(text: string): void {
    this.xterm?.paste(text);
    this.xterm?.focus();
  }

  /** Sets the reader-friendly mode of xterm: its screen becomes text that a screen reader can follow. */
  set screenReader(on: boolean) {
    if (this.xterm) this.xterm.options.screenReaderMode = on;
  }

  set fontSize(pixels: number) {
    if (!this.xterm) return;
    this.xterm.options.fontSize = pixels;
    this.#settle();
  }

  override focus(): void {
    this.xterm?.focus();
  }

  disconnectedCallback(): void {
    this.#size.disconnect();
    this.#unwatchTheme?.();
    window.removeEventListener('online', this.#retryNow);
    document.removeEventListener('visibilitychange', this.#retryNow);
    clearTimeout(this.#retryTimer);
    this.#socket?.close(1000);
    this.#socket = undefined;
    this.xterm?.dispose();
    this.xterm = undefined;
    this.#opened = undefined;
  }

  async #open(): Promise<void> {
    const late = new Promise((resolve) => setTimeout(resolve, FONT_PATIENCE_MS));
    await Promise.race([document.fonts.load(`14px ${FONT}`), late]);
    const terminal = new Terminal({
      fontFamily: FONT,
      fontSize: Number(this.getAttribute('font-size') ?? 14),
      lineHeight: 1.2,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      scrollback: 5_000,
      minimumContrastRatio: 4.5,
      screenReaderMode: this.hasAttribute('screen-reader'),
      theme: terminalTheme(),
    });
    this.xterm = terminal;
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(new WebLinksAddon());
    terminal.open(this);
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    terminal.onData((data) => this.#type(data));
    terminal.onBinary((data) =>
      this.#sendBytes(Uint8Array.from(data, (character) => character.charCodeAt(0))),
    );
    terminal.onResize(({ cols, rows }) => this.#request({ type: 'resize', cols, rows }));
    this.#unwatchTheme = watchTheme(() => {
      terminal.options.theme = terminalTheme();
    });
    window.addEventListener('online', this.#retryNow);
    document.addEventListener('visibilitychange', this.#retryNow);
    this.#size.observe(this);
    this.#fitNow();
    void this.#accelerate(terminal);
  }

  /** Draws with the graphics card where there is a real one; the plain renderer is fast enough elsewhere. */
  async #accelerate(terminal: Terminal): Promise<void> {
    const probe = document
      .createElement('canvas')
      .getContext('webgl2', { failIfMajorPerformanceCaveat: true });
    const names = probe?.getExtension('WEBGL_debug_renderer_info');
    const card = String(names ? probe?.getParameter(names.UNMASKED_RENDERER_WEBGL) : 'none');
    probe?.getExtension('WEBGL_lose_context')?.loseContext();
    // Where the processor plays the card, the plain renderer is the faster one.
    if (/none|swiftshader|llvmpipe|software/i.test(card)) return;
    try {
      const { WebglAddon } = await import('@xterm/addon-webgl');
      const webgl = new WebglAddon();
      // A browser takes contexts back when many tabs want one: then the plain renderer takes over.
      webgl.onContextLoss(() => webgl.dispose());
      if (this.xterm === terminal) terminal.loadAddon(webgl);
    } catch {
      // Drawing goes on without it.
    }
  }

  #dial(): void {
    const terminal = this.xterm;
    if (!terminal) return;
    this.#enter(this.#attempt === 0 ? 'connecting' : 'retrying');
    const address = new URL('/api/terminal', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = new URLSearchParams({
      lab: this.getAttribute('lab') ?? '',
      shell: this.getAttribute('shell') ?? '1',
      cols: String(terminal.cols),
      rows: String(terminal.rows),
    }).toString();
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#flow.restart();
    this.#replayBytes = 0;
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return;
      this.#attempt = 0;
      this.#enter('open');
      this.#fitNow();
    });
    socket.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (socket !== this.#socket) return;
      if (event.data instanceof ArrayBuffer) this.#output(new Uint8Array(event.data));
      else this.#notice(JSON.parse(String(event.data)) as TerminalNotice);
    });
    socket.addEventListener('close', (event) => {
      if (socket === this.#socket) this.#closed(event.code, event.reason);
    });
  }

  #output(bytes: Uint8Array): void {
    const parsed = this.#flow.arrived(bytes.byteLength);
    this.xterm?.write(bytes, () => {
      const total = parsed();
      if (total === undefined || this.#replayBytes === 0 || total < this.#replayBytes) return;
      // The old screen stands as it was; from here on it may take this window's size.
      this.#replayBytes = 0;
      this.#fitNow();
    });
  }

  #notice(notice: TerminalNotice): void {
    switch (notice.type) {
      case 'replay':
        this.#flow.restart();
        this.#replayBytes = notice.bytes;
        this.xterm?.reset();
        if (notice.bytes > 0) this.xterm?.resize(notice.cols, notice.rows);
        return;
      case 'exited':
        this.#enter('exited');
        return;
      case 'notice':
        this.#emit('terminal-notice', { level: notice.level, message: notice.message });
        return;
      default:
        notice satisfies never;
    }
  }

  #closed(code: number, reason: string): void {
    this.#socket = undefined;
    const ending = endingOf(code);
    if (ending !== 'retry') {
      this.#enter(ending, reason);
      return;
    }
    this.#enter('retrying');
    this.#retryTimer = window.setTimeout(() => this.#dial(), retryDelayMs(this.#attempt++, Math.random()));
  }

  /** The network is back, or the laptop's lid is open again: no need to wait for the timer. */
  #retryNow = (): void => {
    if (this.#state !== 'retrying' || this.#socket || document.hidden) return;
    clearTimeout(this.#retryTimer);
    this.#dial();
  };

  #type(data: string): void {
    if (this.#state === 'exited' && data.includes('\r')) {
      // The server starts a new shell on the same screen when it sees Enter.
      if (this.#socket) this.#enter('open');
      else this.#dial();
    }
    this.#sendBytes(this.#encoder.encode(data));
  }

  #sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (let at = 0; at < bytes.byteLength; at += PASTE_STEP_BYTES) {
      this.#socket.send(bytes.subarray(at, at + PASTE_STEP_BYTES));
    }
  }

  #request(request: TerminalRequest): void {
    // While an old screen is repainted its size is the shell's, not this window's.
    if (request.type === 'resize' && this.#replayBytes > 0) return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(request));
  }

  #settle(): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = window.setTimeout(() => this.#fitNow(), RESIZE_SETTLE_MS);
  }

  #fitNow(): void {
    // A hidden tab has no size to fit; it is fitted when it is shown.
    if (this.offsetParent === null || this.#replayBytes > 0) return;
    this.#fit.fit();
  }

  /** Keys that belong to the page. Returning false keeps them from the shell. */
  #key(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    if (event.key === 'F6' && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      this.#emit('terminal-leave', {});
      return false;
    }
    if (event.ctrlKey && event.shiftKey && event.code === 'KeyC') {
      event.preventDefault();
      void this.#copy();
      return false;
    }
    // The browser's own paste reaches the terminal's text field.
    if (event.ctrlKey && event.shiftKey && event.code === 'KeyV') return false;
    return true;
  }

  async #copy(): Promise<void> {
    const selection = this.xterm?.getSelection() ?? '';
    if (selection === '') return;
    try {
      await navigator.clipboard.writeText(selection);
    } catch {
      // Without a secure origin there is no clipboard API; xterm answers the copy event itself.
      document.execCommand('copy');
    }
  }

  #enter(state: TerminalState, reason = ''): void {
    if (this.#state === state) return;
    this.#state = state;
    this.dataset.state = state;
    this.#emit('terminal-state', { state, reason });
  }

  #emit<K extends keyof TerminalEvents>(name: K, detail: TerminalEvents[K]): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

customElements.define('docker-terminal', DockerTerminal);
