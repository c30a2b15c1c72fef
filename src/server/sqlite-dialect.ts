// Lets Kysely speak to the SQLite that is built into Node.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type Dialect, SqliteDialect } from 'kysely';

/**
 * A Kysely dialect over an open `node:sqlite` database, which it closes when Kysely is destroyed.
 *
 * Kysely serialises nothing on this one connection: write what must be atomic as one statement, never as a
 * transaction, or two callers' statements mix in it.
 */
export function nodeSqliteDialect(database: DatabaseSync): Dialect {
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare(sql) {
        const statement = database.prepare(sql);
        return {
          reader: statement.columns().length > 0,
          all: (parameters) => statement.all(...values(parameters)),
          run: (parameters) => statement.run(...values(parameters)),
          iterate: (parameters) => statement.iterate(...values(parameters)),
        };
      },
    },
  });
}

function values(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((parameter) => {
    if (
      parameter === null ||
      typeof parameter === 'string' ||
      typeof parameter === 'number' ||
      typeof parameter === 'bigint' ||
      parameter instanceof Uint8Array
    ) {
      return parameter;
    }
    throw new TypeError(`SQLite takes no ${typeof parameter} as a value.`);
  });
}
