// The append-only memory of what happened, in one SQLite file.
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Generated, Kysely } from 'kysely';
import { type LearningEvent, learningEvent, type RecordedEvent } from './events.ts';
import { nodeSqliteDialect } from './sqlite-dialect.ts';

export interface Store {
  /** Appends facts about one learner, all or none. Once it resolves they outlive a crash of the process and of the machine. */
  append(learner: string, events: readonly LearningEvent[]): Promise<void>;
  /** Everything known about a learner but their check results, oldest first. */
  events(learner: string): Promise<RecordedEvent[]>;
  /** A learner's last check results in a lab, the newest event of each task, oldest first. */
  lastChecked(learner: string, lab: string): Promise<RecordedEvent[]>;
  close(): Promise<void>;
}

interface Tables {
  events: {
    id: Generated<number>;
    at: string;
    learner: string;
    type: LearningEvent['type'];
    lab: string | null;
    task: string | null;
    data: string;
  };
}

/**
 * One step for each version of the file, in order; a file remembers in `user_version` how many it has seen.
 * Never change a step that was released: append another.
 */
const MIGRATIONS: readonly string[] = [
  `create table events (
     id integer primary key autoincrement,
     at text not null,
     learner text not null,
     type text not null,
     lab text,
     task text,
     data text not null
   ) strict;
   create index events_of_learner on events (learner, type, lab, task, id);`,
];

/** How long a writer waits for another process that holds the file, such as a backup, before it gives up. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens the store in a file, making the file and its folder if need be. `:memory:` keeps nothing. */
export function openStore(file: string, now: () => Date = () => new Date()): Store {
  const database = openDatabase(file);
  const kysely = new Kysely<Tables>({ dialect: nodeSqliteDialect(database) });

  const recorded = (row: { id: number; at: string; learner: string; data: string }): RecordedEvent => ({
    ...learningEvent.parse(JSON.parse(row.data)),
    id: row.id,
    at: row.at,
    learner: row.learner,
  });

  return {
    async append(learner, events) {
      if (events.length === 0) return;
      const at = now().toISOString();
      const rows = events.map((event) => ({
        at,
        learner,
        type: event.type,
        lab: 'lab' in event ? event.lab : null,
        task: 'task' in event ? event.task : null,
        data: JSON.stringify(learningEvent.parse(event)),
      }));
      await kysely.insertInto('events').values(rows).execute();
    },

    async events(learner) {
      const rows = await kysely
        .selectFrom('events')
        .select(['id', 'at', 'learner', 'data'])
        .where('learner', '=', learner)
        .where('type', '!=', 'checked')
        .orderBy('id')
        .execute();
      return rows.map(recorded);
    },

    async lastChecked(learner, lab) {
      const newest = kysely
        .selectFrom('events')
        .select(({ fn }) => fn.max('id').as('id'))
        .where('learner', '=', learner)
        .where('type', '=', 'checked')
        .where('lab', '=', lab)
        .groupBy('task');
      const rows = await kysely
        .selectFrom('events')
        .select(['id', 'at', 'learner', 'data'])
        .where('id', 'in', newest)
        .orderBy('id')
        .execute();
      return rows.map(recorded);
    },

    async close() {
      await kysely.destroy();
      // Kysely closes only what it has used.
      if (database.isOpen) database.close();
    },
  };
}

function openDatabase(file: string): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    // What learners did is nobody else's on this machine; SQLite gives its side files the same mode.
    if (file !== ':memory:') chmodSync(file, 0o600);
    database.exec('pragma journal_mode = wal; pragma synchronous = full;');
  } catch (cause) {
    throw new Error(
      `The progress of learners can't be opened: ${file} is not a readable SQLite database. Nothing was changed; move it away or mend it, then start again.`,
      { cause },
    );
  }
  const found = database.prepare('pragma user_version').get()?.user_version;
  const version = typeof found === 'number' ? found : 0;
  if (version > MIGRATIONS.length) {
    database.close();
    throw new Error(
      `${file} was written by a newer Slipway (its version is ${version}, this one knows ${MIGRATIONS.length}). Nothing was changed; start the newer Slipway, or set SLIPWAY_DATA to another folder.`,
    );
  }
  for (const [step, sql] of MIGRATIONS.entries()) {
    if (step >= version) database.exec(`begin immediate; ${sql} pragma user_version = ${step + 1}; commit;`);
  }
  return database;
}
