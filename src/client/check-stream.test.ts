// The answer to a Check is read line by line, however the network cuts it.
import { expect, it } from 'vitest';
import { linesOf } from './check-stream.ts';

async function lines(...chunks: readonly Uint8Array[]): Promise<string[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  return Array.fromAsync(linesOf(stream));
}

it('puts lines together that were cut, even inside a letter', async () => {
  const bytes = new TextEncoder().encode('{"a":"grün"}\n{"b":2}\n');
  expect(await lines(bytes.slice(0, 9), bytes.slice(9, 15), bytes.slice(15))).toEqual([
    '{"a":"grün"}',
    '{"b":2}',
  ]);
});

it('gives out a last line without an end', async () => {
  expect(await lines(new TextEncoder().encode('one\n\ntwo'))).toEqual(['one', 'two']);
});
