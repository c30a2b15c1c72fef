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
