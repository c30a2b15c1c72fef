// Checks of a build: what a change of a file runs again, what is sent, what gets in. Builds a copy, never the learner's own tag.
import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { Check } from '../check.ts';
import type { Scene } from '../scene.ts';
import { check, type Naming, worded } from './naming.ts';

export interface BuildSource {
  /** Recognises the steps that install packages, by the instruction they run. */
  readonly installs: RegExp;
  /** A source file, relative to the project folder, and a line that makes it print a given word. */
  readonly code: { readonly path: string; readonly printing: (word: string) => string };
  /** The list of packages, and a line that the installer refuses at once: that it is refused shows that it was read. */
  readonly packages: { readonly path: string; readonly refused: (word: string) => string };
  /** Environment for running what was built. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files planted in the copy before it is built: path → content. */
  readonly planted?: Readonly<Record<string, string>>;
  /** A large file that the build does not need: its copy is cut short, so that a build that sends it does not take long. */
  readonly shortened?: string;
}

/** One step of a build as BuildKit reports it. */
export interface BuildStep {
  readonly name: string;
  /** False too for a step that never had its turn. */
  readonly cached: boolean;
  readonly ran: boolean;
}

export interface BuildOutcome {
  readonly ok: boolean;
  readonly steps: readonly BuildStep[];
  readonly contextBytes: number;
  /** The last words of a build that failed. */
  readonly words: string;
}

/** A build of changed code: what it was tagged, and the word that the changed code prints. */
interface ChangedBuild extends BuildOutcome {
  readonly image: string;
  readonly word: string;
}

/** Where copies are built, beside the engine. */
const COPIES_FOLDER = '/tmp/slipway-grader';
const MIB = 1024 * 1024;
/** Paths told as evidence. */
const SHOWN_MOST_PATHS = 20;

/** Checks of what `docker build` makes of the project folder. */
export function build(source: BuildSource) {
  const key = `build ${source.code.path}`;

  const plain = (scene: Scene, signal: AbortSignal) =>
    scene.once(`${key} plain`, () =>
      built(
        scene,
        {
          planted: source.planted ?? {},
          shortened: source.shortened,
          options: ['--output', 'type=cacheonly'],
        },
        signal,
      ),
    );

  const changed = async (scene: Scene, signal: AbortSignal): Promise<ChangedBuild> => {
    const word = `changed-${randomWord()}`;
    const image = `slipway-grader:${word}`;
    scene.finally(() =>
      scene.engine.call('DELETE', `/images/${image}`, { query: { force: 1 }, accept: [404, 409] }),
    );
    const outcome = await built(
      scene,
      {
        planted: source.planted ?? {},
        shortened: source.shortened,
        appended: { path: source.code.path, text: `\n${source.code.printing(word)}\n` },
        options: ['--tag', image],
      },
      signal,
    );
    return { ...outcome, image, word };
  };

  const withCode = (scene: Scene, signal: AbortSignal) =>
    scene.once(`${key} code`, () => changed(scene, signal));

  /** A build of changed code by an engine that remembers one like it, so that what runs again runs because of the change. */
  const rememberedWithCode = (scene: Scene, signal: AbortSignal) =>
    scene.once(`${key} code, remembered`, async () => {
      const first = await withCode(scene, signal);
      const installs = installSteps(first);
      if (!first.ok || (installs.length > 0 && installs.every(({ cached }) => cached))) return first;
      // It may have run only because the engine had forgotten; by now it remembers the first.
      return await changed(scene, signal);
    });

  const withPackages = (scene: Scene, signal: AbortSignal) =>
    scene.once(`${key} packages`, () =>
      built(
        scene,
        {
          planted: source.planted ?? {},
          shortened: source.shortened,
          appended: { path: source.packages.path, text: `\n${source.packages.refused(randomWord())}\n` },
          options: ['--output', 'type=cacheonly'],
        },
        signal,
      ),
    );

  const installSteps = (outcome: BuildOutcome) =>
    outcome.steps.filter(({ name }) => source.installs.test(name));
  const evidenceOf = (outcome: BuildOutcome) =>
    outcome.steps
      .filter(({ name }) => /\b(RUN|COPY|ADD|FROM)\b/.test(name))
      .map(({ name, cached, ran }) => ({
        api: 'docker build',
        field: name,
        value: cached ? 'CACHED' : ran ? 'ran' : 'not reached',
      }));

  return {
    /** The project builds as it stands. */
    works(naming: Naming): Check {
      return check<BuildOutcome>({
        id: naming.id,
        title: naming.title ?? 'The project builds as it stands',
        needs: naming.needs ?? [],
        cost: 'build',
        probe: async (scene, signal) => {
          const outcome = await withCode(scene, signal);
          return outcome.ok ? outcome : await plain(scene, signal);
        },
        judge: (outcome) =>
          outcome.ok
            ? { status: 'pass' }
            : {
                status: 'fail',
                expected: '`docker build .` succeeds',
                actual: outcome.words,
                evidence: [{ api: 'docker build .', field: 'last words', value: outcome.words }],
                ...worded(naming, {
                  why: 'The image is only as good as the recipe that can make it again.',
                  see: 'docker build --progress=plain . 2>&1 | tail -n 20',
                }),
              },
      });
    },

    /** After a change of code the packages are not installed again. */
    keepsPackages(naming: Naming): Check {
      return check<ChangedBuild>({
        id: naming.id,
        title: naming.title ?? `A change of \`${source.code.path}\` does not install the packages again`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: rememberedWithCode,
        judge: (outcome) => {
          const installs = installSteps(outcome);
          if (!outcome.ok)
            return { status: 'blocked', because: `The changed project does not build: ${outcome.words}` };
          const again = installs.filter(({ ran }) => ran);
          if (installs.length > 0 && again.length === 0)
            return { status: 'pass', actual: 'the install step was CACHED' };
          return {
            status: 'fail',
            expected: `the step that installs the packages is CACHED after a line of ${source.code.path} changed`,
            actual: installs.length === 0 ? 'no step installs packages' : `it ran again: ${again[0]?.name}`,
            evidence: evidenceOf(outcome),
            ...worded(naming, {
              why: 'A step is taken from the cache only if everything before it is unchanged. What is copied before the install decides what makes it run again.',
              see: `cp -r . /tmp/try && cd /tmp/try && echo '# changed' >>${source.code.path} && docker build --progress=plain . 2>&1 | grep -A1 'RUN'; cd - >/dev/null; rm -rf /tmp/try`,
              misconception: 'MC-IMG-07',
            }),
          };
        },
      });
    },

    /** After a change of code the new code is what runs. */
    showsChange(naming: Naming): Check {
      return check<{ build: ChangedBuild; output: string; exitCode: number }>({
        id: naming.id,
        title: naming.title ?? `After a change of \`${source.code.path}\` the new code runs`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: async (scene, signal) => {
          const outcome = await withCode(scene, signal);
          if (!outcome.ok) return { build: outcome, output: '', exitCode: -1 };
          const run = await scene.run(
            { image: outcome.image, ...(source.env === undefined ? {} : { env: source.env }) },
            signal,
          );
          return { build: outcome, output: run.stdout + run.stderr, exitCode: run.exitCode };
        },
        judge: ({ build: outcome, output, exitCode }) => {
          if (!outcome.ok)
            return { status: 'blocked', because: `The changed project does not build: ${outcome.words}` };
          if (output.includes(outcome.word)) return { status: 'pass' };
          return {
            status: 'fail',
            expected: `a line added to ${source.code.path} that prints “${outcome.word}” is seen in the output`,
            actual:
              output.trim() === ''
                ? `no output, exit code ${exitCode}`
                : `the output was: ${output.trim().slice(-300)}`,
            evidence: [
              { api: 'docker build, then docker run', field: 'output', value: output.trim().slice(-600) },
            ],
            ...worded(naming, {
              why: 'An image that prints the right words without running your program says nothing about your program.',
              see: `docker run --rm etl:dev; grep -nE '^(CMD|ENTRYPOINT)' Dockerfile`,
            }),
          };
        },
      });
    },

    /** After a change of the list of packages they are installed again. */
    reinstallsOnNewPackages(naming: Naming): Check {
      return check<BuildOutcome>({
        id: naming.id,
        title: naming.title ?? `A change of \`${source.packages.path}\` installs them again`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: withPackages,
        judge: (outcome) => {
          if (installSteps(outcome).some(({ ran }) => ran)) return { status: 'pass' };
          if (!outcome.ok) {
            const because = `The project with a changed ${source.packages.path} stops before its packages: ${outcome.words}`;
            return { status: 'blocked', because };
          }
          return {
            status: 'fail',
            expected: `the step that installs the packages runs again after ${source.packages.path} changed`,
            actual: 'every such step was CACHED',
            evidence: evidenceOf(outcome),
            ...worded(naming, {
              why: 'A cache that never lets go gives you last month’s packages. The list must be what the install step reads.',
              see: `grep -nE 'COPY|ADD|RUN' Dockerfile`,
            }),
          };
        },
      });
    },

    /** The build sends less than this many bytes to the engine. */
    sendsLessThan(bytes: number, naming: Naming): Check {
      return check<BuildOutcome>({
        id: naming.id,
        title: naming.title ?? `The build sends less than ${(bytes / MIB).toFixed(0)} MiB`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: withCode,
        judge: ({ contextBytes }) =>
          contextBytes < bytes
            ? { status: 'pass', actual: `${(contextBytes / 1024).toFixed(0)} KiB sent` }
            : {
                status: 'fail',
                expected: `less than ${(bytes / MIB).toFixed(0)} MiB`,
                actual: `${(contextBytes / MIB).toFixed(1)} MiB`,
                evidence: [
                  { api: 'docker build', field: 'transferring context, bytes', value: contextBytes },
                ],
                ...worded(naming, {
                  why: 'What a build may copy is sent to the engine first: to a remote one at every build. `.dockerignore` says what stays at home.',
                  see: 'du -sh --apparent-size * .[!.]* 2>/dev/null | sort -h | tail -n 5; cat .dockerignore',
                  misconception: 'MC-IMG-08',
                }),
              },
      });
    },

    /** None of these names is anywhere below the image's working directory. Names match files and folders at any depth. */
    leavesOut(names: readonly string[], naming: Naming): Check {
      return check<{ build: ChangedBuild; found: string[]; workdir: string }>({
        id: naming.id,
        title:
          naming.title ??
          `None of ${names.map((name) => `\`${name}\``).join(', ')} gets into the image, at any depth`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: async (scene, signal) => {
          const outcome = await withCode(scene, signal);
          if (!outcome.ok) return { build: outcome, found: [], workdir: '' };
          const workdir = (await scene.image(outcome.image))?.Config.WorkingDir || '/';
          const inImage = (await scene.namesBelow(outcome.image, workdir, signal)) ?? [];
          const found = inImage.filter((path) => path.split('/').some((part) => names.includes(part)));
          // Of a folder that got in, its own name says enough.
          const tops = found.filter(
            (path) => !found.some((other) => other.endsWith('/') && path !== other && path.startsWith(other)),
          );
          return { build: outcome, found: tops.slice(0, SHOWN_MOST_PATHS), workdir };
        },
        judge: ({ build: outcome, found, workdir }) => {
          if (!outcome.ok)
            return { status: 'blocked', because: `The project does not build: ${outcome.words}` };
          if (found.length === 0) return { status: 'pass' };
          return {
            status: 'fail',
            expected: `none of ${names.join(', ')} below ${workdir}`,
            actual: `${found.slice(0, 4).join(', ')}${found.length > 4 ? ' and more' : ''}`,
            evidence: [
              {
                api: 'an image built from a copy of your project, with a few caches more',
                field: `below ${workdir}`,
                value: found,
              },
            ],
            ...worded(naming, {
              why: 'A pattern of `.dockerignore` is matched from the top of the project, not at every depth: `__pycache__` means the one at the top, `**/__pycache__` means them all.',
              see: `cat .dockerignore; find . -name __pycache__ -not -path './.venv/*'`,
              misconception: 'MC-IMG-01',
            }),
          };
        },
      });
    },
  };
}

const randomWord = (): string => randomBytes(5).toString('hex');

interface BuildJob {
  readonly shortened: string | undefined;
  /** Files put into the copy: path → content. */
  readonly planted: Readonly<Record<string, string>>;
  readonly appended?: { readonly path: string; readonly text: string };
  readonly options: readonly string[];
}

/** Copies the project beside itself, changes the copy and builds it; the copy is removed at once. */
async function built(scene: Scene, job: BuildJob, signal: AbortSignal): Promise<BuildOutcome> {
  // A name of its own each time: BuildKit remembers by the folder's name what it was sent, and would be sent less again.
  const copy = `${COPIES_FOLDER}-${randomWord()}`;
  const files = [
    ...Object.entries(job.planted).map(([path, text]) => ({ path, text, how: '>' })),
    ...(job.appended === undefined ? [] : [{ ...job.appended, how: '>>' }]),
  ];
  // Sparse files stay sparse: a dump of 200 MB is copied in no time and still sent in full by a build that includes it.
  const script = [
    `trap 'rm -rf ${copy}' EXIT`,
    `cp -a --sparse=always . ${copy}`,
    `cd ${copy}`,
    ...(job.shortened === undefined ? [] : [shorten(job.shortened)]),
    ...files.map(
      ({ path, text, how }) =>
        `mkdir -p ${quoted(posix.dirname(path))} && printf '%s' ${quoted(text)} ${how}${quoted(path)}`,
    ),
    `docker buildx build --progress=rawjson ${job.options.join(' ')} .`,
  ];
  const outcome = await scene.exec(['bash', '-ec', script.join('\n')], { signal });
  if (
    /unknown command: docker buildx|'buildx' is not a docker command|unknown flag: --progress/.test(
      outcome.stderr,
    )
  )
    throw new Error(
      'the docker command has no buildx here; install it (on Debian: apt install docker-buildx).',
    );
  const progress = readProgress(outcome.stderr);
  // A build that fails says at which step; one that says nothing never began, and that is not the Dockerfile's doing.
  if (outcome.exitCode !== 0 && progress.steps.length === 0)
    throw new Error(`the build of a copy of the project did not begin: ${progress.words}`);
  const wholeBytes = Number(/^shortened (\d+)$/m.exec(outcome.stdout)?.[1] ?? SHORTENED_BYTES);
  // More was sent than is left of the shortened file: it was sent too, and counts as long as it really is.
  const wasSent = progress.contextBytes >= SHORTENED_BYTES;
  const contextBytes = progress.contextBytes + (wasSent ? wholeBytes - SHORTENED_BYTES : 0);
  return { ok: outcome.exitCode === 0, ...progress, contextBytes };
}

/** What is left of a shortened file: more than any limit on what a build may send. */
const SHORTENED_BYTES = 4 * MIB;

/** A shell command that cuts a file short if it is there and long, and says how long it was. */
function shorten(path: string): string {
  const file = quoted(path);
  return `if [ -f ${file} ] && [ "$(stat -c %s ${file})" -gt ${SHORTENED_BYTES} ]; then echo "shortened $(stat -c %s ${file})"; truncate -s ${SHORTENED_BYTES} ${file}; fi`;
}

/** A word for a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

interface Progress {
  vertexes?: { digest: string; name: string; cached?: boolean; started?: string; error?: string }[];
  statuses?: { id: string; current?: number }[];
}

/** Reads BuildKit's `rawjson` progress: JSON objects one after the other, and a last line of plain words if it failed. */
export function readProgress(text: string): Omit<BuildOutcome, 'ok'> {
  const steps = new Map<string, BuildStep>();
  let contextBytes = 0;
  let error = '';
  const plain: string[] = [];
  for (const piece of text.split(/(?<=^\})\r?\n/m)) {
    if (!piece.startsWith('{')) {
      plain.push(piece);
      continue;
    }
    const end = piece.lastIndexOf('\n}') + 2;
    plain.push(piece.slice(Math.max(end, 0)));
    const progress: Progress = JSON.parse(end > 1 ? piece.slice(0, end) : piece);
    for (const { digest, name, cached: hit, started, error: said } of progress.vertexes ?? []) {
      const known = steps.get(digest);
      const cached = hit === true || known?.cached === true;
      steps.set(digest, { name, cached, ran: !cached && (started !== undefined || known?.ran === true) });
      if (said !== undefined && said !== '') error = said;
    }
    for (const { id, current = 0 } of progress.statuses ?? []) {
      if (id.startsWith('transferring context')) contextBytes = Math.max(contextBytes, current);
    }
  }
  const words = error === '' ? plain.join('').trim().split('\n').slice(-4).join('\n') : error;
  return { steps: [...steps.values()], contextBytes, words };
}
