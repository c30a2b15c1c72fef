// What this browser remembers by itself, so that pages without a server forget nothing either.

/** Reads a remembered value; anything unreadable counts as not remembered. */
export function recall<T>(key: string): T | undefined {
  try {
    const text = localStorage.getItem(`slipway-${key}`);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

/** Remembers a value. Without storage it is forgotten with the page, which is all that is lost. */
export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`slipway-${key}`, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden; see above.
  }
}
