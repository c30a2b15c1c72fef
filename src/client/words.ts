// Small pieces of page made from text that others wrote: never as HTML.

/** A new element with children; strings become text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** Text in which `backticks` become code. */
export function withCode(text: string): (Node | string)[] {
  return text
    .split(/(`[^`]+`)/)
    .filter((part) => part !== '')
    .map((part) =>
      part.length > 2 && part.startsWith('`') && part.endsWith('`')
        ? element('code', '', part.slice(1, -1))
        : part,
    );
}
