// Calls to the server from a page: an answer or a problem in words, never an exception.
import type { Problem, Progress } from '../protocol.ts';

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem['error'] };

/** What a page says when nothing answers at all. */
const SILENT: Problem['error'] = {
  code: 'internal',
  message: 'The Slipway server does not answer. Nothing in your sandbox is lost.',
  next: 'See whether it still runs in the window where you started it, then try again.',
};

/** Reads the problem out of an answer that is not 2xx; an answer in another shape becomes a plain sentence. */
export async function problemOf(response: Response): Promise<Problem['error']> {
  try {
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null && 'error' in body) return (body as Problem).error;
  } catch {
    // Not JSON: a proxy in between answered, or nothing did. The status is all there is to tell.
  }
  return {
    ...SILENT,
    message: `The server answered ${response.status} without saying why. Nothing in your sandbox is lost.`,
  };
}

/** Sends one request and parses a JSON answer; an answer without a body gives `undefined`. */
export async function call<T>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Answer<T>> {
  const init: RequestInit = { method, headers: { accept: 'application/json' } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
  }
  try {
    const response = await fetch(path, init);
    if (!response.ok) return { ok: false, problem: await problemOf(response) };
    const text = response.status === 204 ? '' : await response.text();
    return { ok: true, value: (text === '' ? undefined : JSON.parse(text)) as T };
  } catch {
    return { ok: false, problem: SILENT };
  }
}

/** Sends something that may be lost: the page works the same whether or not a server hears it. */
export function tell(path: string, body?: unknown): void {
  void call('POST', path, body);
}

/** This learner's progress, or nothing if no server answers. */
export async function fetchProgress(): Promise<Progress | undefined> {
  const answer = await call<Progress>('GET', '/api/me');
  return answer.ok ? answer.value : undefined;
}
