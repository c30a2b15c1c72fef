// `.dockerignore` as the builder reads it: anchored at the root, `**` for any depth, the last matching line decides.

interface Pattern {
  readonly expression: RegExp;
  /** A line that starts with `!` takes files back in. */
  readonly exception: boolean;
}

/** Go's filepath.Match with `**`, as a regular expression over a whole path. */
function toExpression(pattern: string): RegExp {
  let source = '^';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    if (character === '*') {
      if (pattern[at + 1] === '*') {
        at++;
        if (pattern[at + 1] === '/') at++;
        // `**` at the end means everything below; elsewhere any number of folders, also none.
        source += at + 1 >= pattern.length ? '.*' : '(?:.*/)?';
      } else {
        source += '[^/]*';
      }
    } else if (character === '?') {
      source += '[^/]';
    } else if (character === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end === -1) {
        source += '\\[';
      } else {
        source += `[${pattern.slice(at + 1, end).replaceAll('\\', '\\\\')}]`;
        at = end;
      }
    } else if (character === '\\' && at + 1 < pattern.length) {
      at++;
      source += literally(pattern[at] ?? '');
    } else {
      source += literally(character);
    }
  }
  return new RegExp(`${source}$`);
}

function literally(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** `./a//b/../c/` is `a/c`: the builder cleans each line before it matches. */
function clean(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

function readPatterns(text: string): Pattern[] {
  const patterns: Pattern[] = [];
  for (const raw of text.replace(/^\uFEFF/, '').split('\n')) {
    if (raw.startsWith('#')) continue;
    const line = raw.trim();
    if (line === '') continue;
    const exception = line.startsWith('!');
    const path = clean(exception ? line.slice(1).trim() : line);
    if (path === '') continue;
    patterns.push({ expression: toExpression(path), exception });
  }
  return patterns;
}

/** `src/pkg/a.py` and every folder above it. */
function withParents(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Tells of each path whether the builder leaves it out. A line that matches a folder matches all that is in it. */
export function ignored(ignoreFile: string, paths: readonly string[]): boolean[] {
  const patterns = readPatterns(ignoreFile);
  return paths.map((path) => {
    const candidates = withParents(path);
    let out = false;
    for (const { expression, exception } of patterns) {
      if (out === exception && candidates.some((candidate) => expression.test(candidate))) out = !exception;
    }
    return out;
  });
}
