// Checks of a Dockerfile's text, for what only the text shows. Read as instructions, never by searching for words.
import { DockerfileParser, type From } from 'dockerfile-ast';
import { extract } from 'tar-stream';
import type { Check } from '../check.ts';
import type { Scene } from '../scene.ts';
import { check, type Naming, worded } from './naming.ts';

/** A Dockerfile that is larger is none. */
const FILE_MOST_BYTES = 1024 * 1024;

export interface Base {
  /** As written, arguments filled in with their defaults. */
  readonly reference: string;
  readonly line: number;
  readonly pinned: boolean;
}

/** Checks of the Dockerfile of that name in the project folder. */
export function dockerfile(name = 'Dockerfile') {
  return {
    /** Every base image has a version in its name. */
    pinsItsBases(naming: Naming): Check {
      return check<string | undefined>({
        id: naming.id,
        title: naming.title ?? 'Every base image has a version: not `latest`, and not none',
        needs: naming.needs ?? [],
        cost: 'exec',
        probe: (scene, signal) => fileOf(scene, name, signal),
        judge: (text) => {
          const bases = text === undefined ? [] : basesOf(text);
          const loose = bases.filter(({ pinned }) => !pinned);
          if (bases.length > 0 && loose.length === 0) {
            return { status: 'pass', actual: bases.map(({ reference }) => reference).join(', ') };
          }
          return {
            status: 'fail',
            expected: 'FROM with a version, such as python:3.13-slim',
            actual:
              text === undefined
                ? `there is no ${name}`
                : bases.length === 0
                  ? `no FROM with an image in ${name}`
                  : loose.map(({ reference, line }) => `line ${line}: FROM ${reference}`).join('; '),
            evidence: bases.map(({ reference, line }) => ({
              api: name,
              field: `line ${line}`,
              value: `FROM ${reference}`,
            })),
            ...worded(naming, {
              why: 'Without a version you get whatever the tag means on the day of the build: today one Python, next year another.',
              see: `grep -niE '^(ARG|FROM)' ${name}`,
              misconception: 'MC-IMG-08',
            }),
          };
        },
      });
    },
  };
}

/** The images that a Dockerfile stands on; its own stages and `scratch` are none. */
export function basesOf(text: string): Base[] {
  const parsed = DockerfileParser.parse(text);
  const defaults = new Map<string, string>();
  for (const argument of parsed.getInitialARGs()) {
    const property = argument.getProperty();
    const value = property?.getValue();
    if (property !== null && property !== undefined && value !== null && value !== undefined)
      defaults.set(property.getName(), value);
  }
  const stages = new Set<string>();
  return parsed.getFROMs().flatMap((from: From) => {
    const written = from.getImage() ?? '';
    const reference = filledIn(written, defaults);
    const stage = from.getBuildStage();
    const isStage = stages.has(reference.toLowerCase()) || reference === 'scratch' || reference === '';
    if (stage !== null) stages.add(stage.toLowerCase());
    if (isStage) return [];
    return [{ reference, line: from.getRange().start.line + 1, pinned: isPinned(reference) }];
  });
}

/** `$NAME`, `${NAME}` and `${NAME:-default}` with the defaults of the arguments before the first FROM. */
function filledIn(text: string, defaults: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:\{([A-Za-z0-9_]+)(?::-([^}]*))?\}|([A-Za-z0-9_]+))/g,
    (_whole, braced, fallback, bare) => {
      const value = defaults.get(braced ?? bare);
      return value !== undefined && value !== '' ? value : (fallback ?? '');
    },
  );
}

function isPinned(reference: string): boolean {
  if (/@sha256:[0-9a-f]{64}$/.test(reference)) return true;
  // A colon before the last slash is a registry's port, not a tag.
  const tag = /:([^:/]+)$/.exec(reference)?.[1];
  return tag !== undefined && /\d/.test(tag);
}

/** A file of the project, read from outside; undefined if it is not there. */
async function fileOf(scene: Scene, name: string, signal: AbortSignal): Promise<string | undefined> {
  let tar: Buffer;
  try {
    tar = await scene.tarOf(`${scene.workplace.folder}/${name}`, FILE_MOST_BYTES, signal);
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return undefined;
    throw error;
  }
  const files = extract();
  files.end(tar);
  for await (const file of files) {
    const chunks: Buffer[] = [];
    for await (const chunk of file as AsyncIterable<Buffer>) chunks.push(chunk);
    if (file.header.type === 'file') return Buffer.concat(chunks).toString('utf8');
  }
  return undefined;
}
