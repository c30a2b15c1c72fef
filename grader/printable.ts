// Makes text that a learner's containers wrote fit to be shown: bounded, and without what moves a terminal's cursor.

/** Longest text shown of one value, in characters. */
const SHOWN_MOST_CHARACTERS = 1_000;

/** The text without terminal escapes and control characters (line breaks and tabs stay), cut at `most` characters. */
export function printable(text: string, most = SHOWN_MOST_CHARACTERS): string {
  const calm = text
    // Operating-system commands (titles, clipboard) up to their end, then all other escape sequences.
    .replaceAll(/\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?/g, '')
    .replaceAll(/\x1b[[(][0-?]*[ -/]*[@-~]|\x1b./g, '')
    .replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '');
  return calm.length > most ? `${calm.slice(0, most)}…` : calm;
}

/** Entries shown of one list or table, and levels of nesting: beyond that it is no evidence any more. */
const SHOWN_MOST_ENTRIES = 50;
const SHOWN_MOST_LEVELS = 6;

/** A value with every text in it made printable, and cut where it is long, wide or deep. */
export function printableValue(value: unknown, levels = SHOWN_MOST_LEVELS): unknown {
  if (typeof value === 'string') return printable(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return null;
  if (levels === 0) return '…';
  if (Array.isArray(value))
    return value.slice(0, SHOWN_MOST_ENTRIES).map((entry) => printableValue(entry, levels - 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, SHOWN_MOST_ENTRIES)
      .map(([key, entry]) => [printable(key), printableValue(entry, levels - 1)]),
  );
}
