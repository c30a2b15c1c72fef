// What checks of a container share: finding it, and saying that it is not there or not running.
import type { Evidence, Verdict } from '../check.ts';
import { bytesOf } from '../engine-client.ts';
import type { ContainerFacts } from '../facts.ts';
import type { Scene } from '../scene.ts';
import { frameDecoder } from '../stream-frames.ts';

/** Larger than any log a check asks for; a container that prints without end stops the check, not the grader. */
const OUTPUT_MOST_BYTES = 1024 * 1024;

export const inspectOf = (name: string) => `GET /containers/${name}/json`;

/** Evidence of one field of a container's inspect. */
export const field = (name: string, path: string, value: unknown): Evidence => ({
  api: inspectOf(name),
  field: path,
  value,
});

/** The networks a container is connected to, by name, in the order of the alphabet. */
export const networksOf = (facts: ContainerFacts | undefined): readonly string[] =>
  Object.keys(facts?.NetworkSettings.Networks ?? {}).sort();

/** `data and edge`, `data, edge and batch`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? 'none';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A fail if the container is not there or not running, with the way to see it; otherwise undefined. */
export function notRunning(
  name: string,
  facts: ContainerFacts | undefined,
  expected: string,
): Verdict | undefined {
  if (facts?.State.Running === true) return undefined;
  const state = facts === undefined ? 'missing' : `${facts.State.Status}, exit code ${facts.State.ExitCode}`;
  return {
    status: 'fail',
    expected,
    actual:
      facts === undefined
        ? `there is no container named ${name}`
        : `container ${name} is not running (${state})`,
    evidence: [field(name, facts === undefined ? 'status' : '.State.Status', facts?.State.Status ?? 404)],
    see: `docker ps --all --filter name=${name}`,
    why: 'What is not running answers nobody. `docker logs` keeps the last words of a container that ended.',
  };
}

/** The last line that the container's program wrote to its log; empty if it has said nothing. */
export async function lastWordsOf(scene: Scene, id: string, signal: AbortSignal): Promise<string> {
  return (await outputOf(scene, id, signal, { tail: 1 })).trim();
}

/** What the container's program wrote to its log, on either stream. */
export async function outputOf(
  scene: Scene,
  id: string,
  signal: AbortSignal,
  options: { readonly tail?: number } = {},
): Promise<string> {
  const stream = await scene.engine.stream('GET', `/containers/${id}/logs`, {
    query: { stdout: 1, stderr: 1, tail: options.tail ?? 'all' },
    signal,
  });
  return textOf(await bytesOf(stream, OUTPUT_MOST_BYTES));
}

/** The text of an output, with the engine's frames taken off if it has them. */
export function textOf(bytes: Buffer): string {
  // A container with a terminal of its own (`docker run -t`) has a log without frames.
  if (!isFramed(bytes)) return bytes.toString('utf8');
  const parts: Buffer[] = [];
  frameDecoder((_, payload) => parts.push(Buffer.from(payload)))(bytes);
  return Buffer.concat(parts).toString('utf8');
}

function isFramed(bytes: Buffer): boolean {
  return bytes.length >= 8 && (bytes[0] ?? 9) <= 2 && bytes.readUIntBE(1, 3) === 0;
}
