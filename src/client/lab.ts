// `<docker-lab>`: drives a lab page. Starts and ends the sandbox, checks tasks, asks for hints, keeps the score.
import type { LabState, Problem, SandboxState, ServerStatus } from '../protocol.ts';
import { call } from './api.ts';
import { setUpBench } from './bench.ts';
import { type Phase, showPhase } from './berth.ts';
import { runCheck } from './check-stream.ts';
import { showResult, showRunning, showUnanswered } from './results.ts';
import type { TerminalEvents, TerminalState } from './terminal.ts';
import { TerminalTabs } from './terminal-tabs.ts';
import { element, withCode } from './words.ts';

/** Milliseconds between questions while a sandbox starts elsewhere or the server prepares. */
const ASK_AGAIN_MS = 1_000;
/** Milliseconds between questions while labs can't run, and while nothing answers. */
const ASK_SELDOM_MS = 5_000;
/** Milliseconds. The bar's clock. */
const TICK_MS = 1_000;

/** What stands above a terminal that is not simply open. */
const STRIPS: Partial<Record<TerminalState, string>> = {
  retrying: 'The connection is interrupted. Your shell goes on; trying again…',
  exited: 'This shell has ended. Press Enter in it for a new one.',
  refused: 'This sandbox belongs to someone else. Reload the page to see your own.',
  faulty: 'The terminal was closed by a fault of ours. Your shell goes on: reload the page.',
};

class LabElement extends HTMLElement {
  readonly #lab = this.dataset.lab ?? '';
  readonly #address = `/api/labs/${encodeURIComponent(this.#lab)}`;
  readonly #show = setUpBench(this);
  readonly #tabs = new TerminalTabs({ root: this.#part('[data-console]'), lab: this.#lab });
  #phase: Phase = { type: 'loading' };
  #privileged = false;
  /** Why the last sandbox is no more, in the server's words. */
  #ended = '';
  #checking = false;
  #askTimer: number | undefined;
  #noticeTimer: number | undefined;

  connectedCallback(): void {
    this.addEventListener('click', (event) => this.#click(event));
    this.addEventListener('terminal-notice', (event) => {
      const { level, message } = (event as CustomEvent<TerminalEvents['terminal-notice']>).detail;
      this.#strip(message, level, true);
    });
    this.addEventListener('terminal-state', (event) => {
      this.#terminalChanged((event as CustomEvent<TerminalEvents['terminal-state']>).detail);
    });
    this.addEventListener('terminal-leave', () => this.#leaveTerminal());
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'F6' || event.defaultPrevented || !this.#tabs.front) return;
      event.preventDefault();
      this.#show('console');
      this.#tabs.front.focus();
    });
    setInterval(() => showPhase(this, this.#phase), TICK_MS);
    void import('./terminal.ts');
    void this.#refresh();
  }

  #part<T extends HTMLElement>(selector: string): T {
    const part = this.querySelector<T>(selector);
    if (!part) throw new Error(`The lab page has no ${selector}.`);
    return part;
  }

  // --- where the sandbox stands -------------------------------------------------------------------------------

  #enter(phase: Phase): void {
    const before = this.#phase;
    this.#phase = phase;
    showPhase(this, phase);
    if (phase.type === 'running') {
      if (before.type === 'running' && before.sandbox.id === phase.sandbox.id) return;
      if (before.type === 'running') this.#tabs.detach();
      this.#unstrip();
      this.#ended = '';
      const byHand = before.type === 'starting';
      void this.#tabs.attach().then(() => {
        if (byHand) this.#tabs.front?.focus();
      });
    } else if (before.type === 'running') {
      this.#tabs.detach();
      this.#unstrip();
    }
  }

  #askAgain(afterMs: number): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = window.setTimeout(() => void this.#refresh(), afterMs);
  }

  /** Asks the server how things stand, and shows it. */
  async #refresh(): Promise<void> {
    clearTimeout(this.#askTimer);
    const [status, state] = await Promise.all([
      call<ServerStatus>('GET', '/api/status'),
      call<LabState>('GET', this.#address),
    ]);
    if (state.ok) this.#showState(state.value);
    // A start of this page's own is under way: its answer says more than this one.
    if (this.#phase.type === 'starting' && this.#starting) return;
    if (!status.ok || !state.ok) {
      const problem = status.ok ? (state.ok ? undefined : state.problem) : status.problem;
      // A running terminal shows by itself that it is cut off, and keeps its screen.
      if (problem && this.#phase.type !== 'running') this.#enter({ type: 'lost', problem });
      return this.#askAgain(ASK_SELDOM_MS);
    }
    this.#privileged = status.value.isolation === 'privileged';
    // Cut off, a running terminal says so itself, keeps its screen, and finds its shell again when the engine is back.
    const cutOff = this.#phase.type === 'running' && this.#tabs.state === 'retrying';
    if (status.value.labs !== 'ready') {
      if (!cutOff) this.#enter({ type: status.value.labs, status: status.value });
      return this.#askAgain(status.value.labs === 'preparing' ? ASK_AGAIN_MS : ASK_SELDOM_MS);
    }
    const { sandbox } = state.value;
    if (sandbox === 'starting') {
      if (this.#phase.type !== 'starting' && !cutOff)
        this.#enter({ type: 'starting', again: false, since: Date.now() });
      return this.#askAgain(ASK_AGAIN_MS);
    }
    if (sandbox) this.#enter({ type: 'running', sandbox });
    else if (this.#phase.type !== 'none')
      this.#enter({ type: 'none', privileged: this.#privileged, ended: this.#ended });
  }

  #starting = false;

  async #start(again: boolean): Promise<void> {
    if (this.#starting) return;
    this.#starting = true;
    clearTimeout(this.#askTimer);
    this.#show('console');
    this.#enter({ type: 'starting', again, since: Date.now() });
    const answer = await call<SandboxState>('POST', `${this.#address}/${again ? 'reset' : 'sandbox'}`);
    this.#starting = false;
    if (answer.ok) return this.#enter({ type: 'running', sandbox: answer.value });
    if (answer.problem.code === 'start-under-way') return this.#askAgain(ASK_AGAIN_MS);
    if (answer.problem.code === 'engine-missing' || answer.problem.code === 'engine-lost')
      return void this.#refresh();
    this.#enter({ type: 'none', privileged: this.#privileged, problem: answer.problem });
    // What is there may differ from what was asked for: a failed reset can leave the old one running.
    if (again) void this.#refresh();
  }

  async #end(): Promise<void> {
    const answer = await call('DELETE', `${this.#address}/sandbox`);
    if (!answer.ok) return this.#notice(answer.problem);
    this.#enter({ type: 'none', privileged: this.#privileged });
  }

  #terminalChanged(change: TerminalEvents['terminal-state']): void {
    if (change.state === 'gone') {
      this.#ended = change.reason;
      void this.#refresh();
    }
    const state = this.#tabs.state;
    const words = STRIPS[state];
    if (words) this.#strip(words, state === 'exited' ? 'info' : 'warning', false);
    else if (state === 'open' && this.#part('[data-strip]').dataset.passing !== 'no') this.#unstrip();
    // A socket that is refused says nothing: the server is asked what became of the sandbox.
    if (state === 'retrying') this.#askAgain(ASK_AGAIN_MS);
  }

  // --- words to the learner -----------------------------------------------------------------------------------

  /** A line above the terminal. One that may be closed stays until it is. */
  #strip(message: string, level: 'info' | 'warning', closable: boolean): void {
    const strip = this.#part('[data-strip]');
    strip.hidden = false;
    strip.dataset.level = level;
    strip.dataset.passing = closable ? 'no' : 'yes';
    strip.replaceChildren(element('span', '', ...withCode(message)));
    if (!closable) return;
    const close = element('button', 'button button-quiet', 'Close');
    close.type = 'button';
    close.addEventListener('click', () => this.#unstrip());
    strip.append(close);
  }

  #unstrip(): void {
    this.#part('[data-strip]').hidden = true;
  }

  #notice(problem: Pick<Problem['error'], 'message' | 'next'>): void {
    const notice = this.#part('[data-notice]');
    const words = element('div', '', element('p', '', ...withCode(problem.message)));
    if (problem.next) words.append(element('p', 'notice-next', ...withCode(problem.next)));
    const close = element('button', 'button', 'Close');
    close.type = 'button';
    close.addEventListener('click', () => this.#unnotice());
    notice.replaceChildren(words, close);
    notice.hidden = false;
    clearTimeout(this.#noticeTimer);
  }

  #unnotice(): void {
    this.#part('[data-notice]').hidden = true;
  }

  #announce(text: string): void {
    this.#part('[data-announce]').textContent = text;
  }

  async #confirm(title: string, text: string, yes: string): Promise<boolean> {
    const dialog = this.#part<HTMLDialogElement>('[data-confirm]');
    this.#part('[data-confirm-title]').textContent = title;
    this.#part('[data-confirm-text]').textContent = text;
    this.#part('[data-confirm-yes]').textContent = yes;
    dialog.returnValue = 'no';
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
    return dialog.returnValue === 'yes';
  }

  // --- what the learner does ----------------------------------------------------------------------------------

  #click(event: Event): void {
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>('button') : null;
    if (!target) return;
    const { checkTask, hintTask, see } = target.dataset;
    if (checkTask) void this.#check(checkTask);
    else if (target.dataset.checkAll !== undefined) void this.#check(undefined);
    else if (hintTask) void this.#hint(hintTask, target as HTMLButtonElement);
    else if (see) this.#see(see);
    else if (target.dataset.start !== undefined) void this.#start(false);
    else if (target.dataset.reset !== undefined) void this.#askReset();
    else if (target.dataset.end !== undefined) void this.#askEnd();
  }

  async #askReset(): Promise<void> {
    const text =
      'Everything in this sandbox goes: files, images, containers. You get a fresh one with the lab’s files. Tasks you have passed stay passed.';
    if (await this.#confirm('Start afresh?', text, 'Reset')) await this.#start(true);
  }

  async #askEnd(): Promise<void> {
    const text =
      'The sandbox and everything in it goes. Tasks you have passed stay passed, and you can start again any time.';
    if (await this.#confirm('End this sandbox?', text, 'End it')) await this.#end();
  }

  #see(command: string): void {
    const terminal = this.#tabs.front;
    if (!terminal) {
      this.#notice({
        message: 'There is no terminal to put this into.',
        next: 'Start the lab first.',
      });
      return;
    }
    this.#show('console');
    terminal.insert(command);
  }

  #leaveTerminal(): void {
    this.#show('brief');
    this.#part('[data-brief]').focus();
  }

  async #check(task: string | undefined): Promise<void> {
    if (this.#checking) return;
    if (this.#phase.type !== 'running') {
      return this.#notice({
        message: 'There is nothing to look at yet: you have no sandbox.',
        next: 'Start the lab first.',
      });
    }
    this.#checking = true;
    this.#unnotice();
    this.toggleAttribute('data-checking', true);
    const buttons = this.querySelectorAll<HTMLButtonElement>('[data-check-task], [data-check-all]');
    for (const button of buttons) button.setAttribute('aria-disabled', 'true');
    let passed = 0;
    let open = 0;
    for await (const event of runCheck(this.#lab, task)) {
      if (event.type === 'started') {
        for (const { id } of event.checks) showRunning(this, id);
      } else if (event.type === 'result') {
        showResult(this, event.result);
        if (event.result.status === 'pass') passed++;
        else open++;
      } else if (event.type === 'finished') {
        this.#showScore(event.passedTasks, event.points);
        this.#announce(`Checked: ${passed} passed, ${open} not yet. ${event.points} of ${event.of} points.`);
      } else {
        this.#notice(event.problem.error);
        if (event.problem.error.code === 'no-sandbox' || event.problem.error.code === 'engine-lost')
          void this.#refresh();
      }
    }
    showUnanswered(this);
    for (const button of buttons) button.removeAttribute('aria-disabled');
    this.toggleAttribute('data-checking', false);
    this.#checking = false;
  }

  async #hint(task: string, button: HTMLButtonElement): Promise<void> {
    const list = this.#hintList(task);
    const level = (list.childElementCount + 1) as 1 | 2 | 3;
    if (level > 3) return;
    button.disabled = true;
    const answer = await call<{ text: string }>('POST', `${this.#address}/hint`, { task, level });
    button.disabled = false;
    if (!answer.ok) return this.#notice(answer.problem);
    this.#addHint(task, level, answer.value.text);
    this.#announce(`Hint ${level} of 3: ${answer.value.text}`);
  }

  // --- what is shown in the brief -----------------------------------------------------------------------------

  #hintList(task: string): HTMLElement {
    return this.#part(`[data-task="${CSS.escape(task)}"] [data-hints]`);
  }

  #addHint(task: string, level: number, text: string): void {
    const list = this.#hintList(task);
    if (list.childElementCount >= level) return;
    list.append(element('li', '', element('b', '', `Hint ${level} of 3`), ...withCode(text)));
    list.hidden = false;
    const button = this.querySelector<HTMLButtonElement>(`[data-hint-task="${CSS.escape(task)}"]`);
    if (!button) return;
    button.disabled = level >= 3;
    button.textContent = level >= 3 ? 'That was the last hint' : 'Another hint';
  }

  #showState(state: LabState): void {
    this.#showScore(state.passedTasks, state.points);
    if (!this.#checking) for (const result of state.results) showResult(this, result);
    for (const hint of state.hints.toSorted((a, b) => a.level - b.level)) {
      if (this.querySelector(`[data-task="${CSS.escape(hint.task)}"]`))
        this.#addHint(hint.task, hint.level, hint.text);
    }
  }

  #showScore(passedTasks: readonly string[], points: number): void {
    const of = Number(this.dataset.points);
    const tasks = [...this.querySelectorAll<HTMLElement>('[data-task]')];
    for (const task of tasks)
      task.toggleAttribute('data-passed', passedTasks.includes(task.dataset.task ?? ''));
    this.#part('[data-score]').textContent = String(points);
    this.#part('[data-launch]').style.setProperty('--launched', String(of > 0 ? points / of : 0));
    const all = tasks.length > 0 && tasks.every((task) => task.hasAttribute('data-passed'));
    this.toggleAttribute('data-all-done', all);
    this.#part('[data-complete]').hidden = !all;
    this.#part('[data-done]').hidden = !all;
  }
}

customElements.define('docker-lab', LabElement);
