// All terminals of this server: one for each shell of each sandbox, opened when first looked at.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox, TerminalSize } from '../engine/spawner.ts';
import { TERMINAL_CLOSE, type TerminalNotice } from '../protocol.ts';
import type { Log } from './log.ts';
import { removeJournal } from './screen-journal.ts';
import { type Attachment, openTerminal, type Terminal } from './terminal.ts';
import type { Viewer } from './viewers.ts';

export interface Terminals {
  /** Shows a shell of a sandbox to a viewer. Rejects if the shell can't be reached. */
  attach(sandbox: Sandbox, shell: string, size: TerminalSize, viewer: Viewer): Promise<Attachment>;
  /** Tells all who look at a sandbox's shells. */
  announce(sandboxId: string, notice: TerminalNotice): void;
  /** The sandbox is no more: its viewers are told why, its screens are forgotten. */
  forget(sandboxId: string, reason: string): void;
  /** Forgets the screens of all sandboxes but these. */
  keepOnly(sandboxIds: ReadonlySet<string>): void;
  /** Lets go of every shell; the next server finds them with their screens. */
  close(): Promise<void>;
}

export function createTerminals(options: { readonly folder: string; readonly log: Log }): Terminals {
  const { folder, log } = options;
  const open = new Map<string, Promise<Terminal>>();
  let closing = false;

  const journalFile = (sandboxId: string, shell: string) => join(folder, `${fileName(sandboxId)}-${shell}`);

  async function terminal(sandbox: Sandbox, shell: string, size: TerminalSize): Promise<Terminal> {
    const key = `${sandbox.id}-${shell}`;
    const known = open.get(key);
    if (known !== undefined) return known;
    const opening = openTerminal({
      size,
      connect: (wanted) => sandbox.shell(shell, wanted),
      journalFile: journalFile(sandbox.id, shell),
      closed: () => {
        if (open.get(key) === opening) open.delete(key);
      },
      log,
    });
    open.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      if (open.get(key) === opening) open.delete(key);
      throw error;
    }
  }

  /** Those of one sandbox, as they finish opening. */
  function each(sandboxId: string, act: (terminal: Terminal) => void): void {
    for (const [key, opening] of open) {
      if (key.startsWith(`${sandboxId}-`)) opening.then(act, () => {});
    }
  }

  function journals(): string[] {
    try {
      return readdirSync(folder);
    } catch {
      // There is no folder before the first screen.
      return [];
    }
  }

  function removeJournals(mine: (sandboxName: string) => boolean): void {
    for (const name of journals()) {
      const plain = name.replace(/\.next$/, '');
      if (mine(plain.slice(0, plain.lastIndexOf('-')))) removeJournal(join(folder, plain));
    }
  }

  return {
    async attach(sandbox, shell, size, viewer) {
      if (closing) throw new Error('The server is being stopped.');
      const opened = await terminal(sandbox, shell, size);
      return opened.attach(viewer, size);
    },

    announce(sandboxId, notice) {
      each(sandboxId, (one) => one.announce(notice));
    },

    forget(sandboxId, reason) {
      each(sandboxId, (one) => {
        one.close(TERMINAL_CLOSE.noSandbox, reason);
        removeJournals((name) => name === fileName(sandboxId));
      });
      removeJournals((name) => name === fileName(sandboxId));
    },

    keepOnly(sandboxIds) {
      const kept = new Set([...sandboxIds].map(fileName));
      removeJournals((name) => !kept.has(name));
    },

    async close() {
      closing = true;
      const opened = await Promise.allSettled(open.values());
      await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value.rest() : undefined)));
    },
  };
}

/** A sandbox's id as part of a file's name, whatever is in it. */
function fileName(sandboxId: string): string {
  return encodeURIComponent(sandboxId).replaceAll('.', '%2E').slice(0, 200);
}
