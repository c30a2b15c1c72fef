// The answer to a Check, as it comes: one event a line, however the network cuts it.
import type { CheckEvent } from '../protocol.ts';
import { problemOf } from './api.ts';

/** Splits a stream of bytes into lines; an unfinished last line is given out at the end. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ? decoder.decode(value, { stream: true }) : decoder.decode();
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
    if (done) break;
  }
  if (rest.trim() !== '') yield rest;
}

const BROKEN: CheckEvent = {
  type: 'problem',
  problem: {
    error: {
      code: 'internal',
      message: 'The connection broke while the grader was looking. Your work is untouched.',
      next: 'Check again.',
    },
  },
};

/** Asks for a check of one task, or of all, and gives out what happens. Ends with `finished` or `problem`, always. */
export async function* runCheck(lab: string, task: string | undefined): AsyncGenerator<CheckEvent> {
  let response: Response;
  try {
    response = await fetch(`/api/labs/${encodeURIComponent(lab)}/check`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
      body: JSON.stringify(task === undefined ? {} : { task }),
    });
  } catch {
    yield BROKEN;
    return;
  }
  if (!response.ok || !response.body) {
    yield { type: 'problem', problem: { error: await problemOf(response) } };
    return;
  }
  let ended = false;
  try {
    for await (const line of linesOf(response.body)) {
      const event = JSON.parse(line) as CheckEvent;
      ended ||= event.type === 'finished' || event.type === 'problem';
      yield event;
    }
  } catch {
    // Cut off in the middle: told below.
  }
  if (!ended) yield BROKEN;
}
