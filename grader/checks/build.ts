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
  /** The list of packages, and another list that is as good. */
  readonly packages: { readonly path: string; readonly changed: string };
  /** Environment for running what was built. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files planted in the copy before it is built: path → content. */
  readonly planted?: Readonly<Record<string, string>>;
}

/** One step of a build as BuildKit reports it. */
export interface BuildStep {
  readonly name: string;
  readonly cached: boolean;
}

export interface BuildOutcome {
  readonly ok: boolean;
  readonly steps: readonly BuildStep[];
  readonly contextBytes: number;
  /** The last words of a build that failed. */
  readonly words: string;
}

/** The three builds that all checks of a source share: as it is, with changed code, with changed packages. */
interface Builds {
  readonly plain: BuildOutcome;
  readonly code: BuildOutcome & { readonly image: string; readonly word: string };
  readonly packages: BuildOutcome;
}

/** Where copies are built, beside the engine. */
const COPIES_FOLDER = '/tmp/slipway-grader';
const MIB = 1024 * 1024;

/** Checks of what `docker build` makes of the project folder. */
export function build(source: BuildSource) {
  const key = `build ${source.code.path}`;

  const plain = (scene: Scene, signal: AbortSignal) =>
    scene.once(`${key} plain`, async () => {
      const copy = await copied(scene, 'plain', source.planted ?? {}, signal);
      return await built(scene, copy, ['--output', 'type=cacheonly'], signal);
    });

  const withCode = (scene: Scene, signal: AbortSignal) =>
    scene.once(`${key} code`, async () => {
      // What the engine remembers of the plain build is what a change is measured against.
      await plain(scene, signal);
      const word = `changed-${randomWord()}`;
      const copy = await copied(scene, 'code', source.planted ?? {}, signal);
      await scene.exec(['sh', '-c', 'cat >>"$1"', 'sh', source.code.path], {
        cwd: copy,
        input: `\n${source.code.printing(word)}\n`,
        signal,
      });
      const tag = `slipway-grader:${word}`;
      const outcome = await built(scene, copy, ['--tag', tag], signal);
      if (outcome.ok) {
        scene.finally(() => scene.engine.call('DELETE', `/images/${tag}`, { query: { force: 1 }, accept: [404, 409] }));
      }
      return { ...outcome, image: tag, word };
    });

  const withPackages = (scene: Scene, signal: AbortSignal) =>
    scene.once(`${key} packages`, async () => {
      await plain(scene, signal);
      // A list that was never built before: the engine remembers what an earlier grade changed.
      const changed = `${source.packages.changed}# ${randomWord()}\n`;
      const copy = await copied(scene, 'packages', { ...source.planted, [source.packages.path]: changed }, signal);
      return await built(scene, copy, ['--output', 'type=cacheonly'], signal);
    });

  const installSteps = (outcome: BuildOutcome) => outcome.steps.filter(({ name }) => source.installs.test(name));
  const evidenceOf = (outcome: BuildOutcome) =>
    outcome.steps
      .filter(({ name }) => /\b(RUN|COPY|ADD|FROM)\b/.test(name))
      .map(({ name, cached }) => ({ api: 'docker build', field: name, value: cached ? 'CACHED' : 'ran' }));

  return {
    /** The project builds as it stands. */
    works(naming: Naming): Check {
      return check<BuildOutcome>({
        id: naming.id,
        title: naming.title ?? 'The project builds as it stands',
        needs: naming.needs ?? [],
        cost: 'build',
        probe: plain,
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
      return check<Builds['code']>({
        id: naming.id,
        title: naming.title ?? `A change of \`${source.code.path}\` does not install the packages again`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: withCode,
        judge: (outcome) => {
          const installs = installSteps(outcome);
          if (!outcome.ok) return { status: 'blocked', because: `The changed project does not build: ${outcome.words}` };
          const again = installs.filter(({ cached }) => !cached);
          if (installs.length > 0 && again.length === 0) return { status: 'pass', actual: 'the install step was CACHED' };
          return {
            status: 'fail',
            expected: `the step that installs the packages is CACHED after a line of ${source.code.path} changed`,
            actual: installs.length === 0 ? 'no step installs packages' : `it ran again: ${again[0]?.name}`,
            evidence: evidenceOf(outcome),
            ...worded(naming, {
              why: 'A step is taken from the cache only if everything before it is unchanged. What is copied before the install decides what makes it run again.',
              see: `cp -r . /tmp/try && cd /tmp/try && echo '# changed' >>${source.code.path} && docker build --progress=plain . 2>&1 | grep -A1 'RUN'; cd - >/dev/null; rm -rf /tmp/try`,
              misconception: 'MC-IMG-01',
            }),
          };
        },
      });
    },

    /** After a change of code the new code is what runs. */
    showsChange(naming: Naming): Check {
      return check<{ build: Builds['code']; output: string; exitCode: number }>({
        id: naming.id,
        title: naming.title ?? `After a change of \`${source.code.path}\` the new code runs`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: async (scene, signal) => {
          const outcome = await withCode(scene, signal);
          if (!outcome.ok) return { build: outcome, output: '', exitCode: -1 };
          const run = await scene.run({ image: outcome.image, ...(source.env === undefined ? {} : { env: source.env }) }, signal);
          return { build: outcome, output: run.stdout + run.stderr, exitCode: run.exitCode };
        },
        judge: ({ build: outcome, output, exitCode }) => {
          if (!outcome.ok) return { status: 'blocked', because: `The changed project does not build: ${outcome.words}` };
          if (output.includes(outcome.word)) return { status: 'pass' };
          return {
            status: 'fail',
            expected: `a line added to ${source.code.path} that prints “${outcome.word}” is seen in the output`,
            actual: output.trim() === '' ? `no output, exit code ${exitCode}` : `the output was: ${output.trim().slice(-300)}`,
            evidence: [{ api: 'docker build, then docker run', field: 'output', value: output.trim().slice(-600) }],
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
          if (!outcome.ok) return { status: 'blocked', because: `The project with changed packages does not build: ${outcome.words}` };
          if (installSteps(outcome).some(({ cached }) => !cached)) return { status: 'pass' };
          return {
            status: 'fail',
            expected: `the step that installs the packages runs again after ${source.packages.path} changed`,
            actual: 'every such step was CACHED',
            evidence: evidenceOf(outcome),
            ...worded(naming, {
              why: 'A cache that never lets go gives you last month’s packages. The list must be what the install step reads.',
              see: `grep -nE 'COPY|ADD|RUN' Dockerfile`,
              misconception: 'MC-IMG-01',
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
        probe: plain,
        judge: ({ contextBytes }) =>
          contextBytes < bytes
            ? { status: 'pass', actual: `${(contextBytes / 1024).toFixed(0)} KiB sent` }
            : {
                status: 'fail',
                expected: `less than ${(bytes / MIB).toFixed(0)} MiB`,
                actual: `${(contextBytes / MIB).toFixed(1)} MiB`,
                evidence: [{ api: 'docker build', field: 'transferring context, bytes', value: contextBytes }],
                ...worded(naming, {
                  why: 'What a build may copy is sent to the engine first: to a remote one at every build. `.dockerignore` says what stays at home.',
                  see: 'du -sh --apparent-size * .[!.]* 2>/dev/null | sort -h | tail -n 5; cat .dockerignore',
                  misconception: 'MC-IMG-02',
                }),
              },
      });
    },

    /** None of these names is anywhere below the image's working directory. Names match files and folders at any depth. */
    leavesOut(names: readonly string[], naming: Naming): Check {
      return check<{ build: Builds['code']; found: string[]; workdir: string }>({
        id: naming.id,
        title: naming.title ?? `None of ${names.map((name) => `\`${name}\``).join(', ')} gets into the image, at any depth`,
        needs: naming.needs ?? [],
        cost: 'build',
        probe: async (scene, signal) => {
          const outcome = await withCode(scene, signal);
          if (!outcome.ok) return { build: outcome, found: [], workdir: '' };
          const workdir = (await scene.image(outcome.image))?.Config.WorkingDir || '/';
          // Installed packages may keep compiled files beside theirs; only the project's own are asked for.
          const tests = names.map((name) => `-name '${name}'`).join(' -o ');
          const script = `find ${workdir} -xdev \\( -path /proc -o -path /usr -o -path /sys -o -path /.slipway \\) -prune -o \\( ${tests} \\) -print | head -n 20`;
          const run = await scene.run({ image: outcome.image, user: '0', busybox: ['sh', '-c', script] }, signal);
          return { build: outcome, found: run.stdout.trim().split('\n').filter((path) => path !== ''), workdir };
        },
        judge: ({ build: outcome, found, workdir }) => {
          if (!outcome.ok) return { status: 'blocked', because: `The project does not build: ${outcome.words}` };
          if (found.length === 0) return { status: 'pass' };
          const shown = found.map((path) => posix.relative(workdir, path) || path);
          return {
            status: 'fail',
            expected: `none of ${names.join(', ')} below ${workdir}`,
            actual: `${shown.slice(0, 4).join(', ')}${shown.length > 4 ? ' and more' : ''}`,
            evidence: [{ api: 'an image built from a copy of your project, with a few caches more', field: `find ${workdir}`, value: found }],
            ...worded(naming, {
              why: 'A pattern of `.dockerignore` is matched from the top of the project, not at every depth: `__pycache__` means the one at the top, `**/__pycache__` means them all.',
              see: `cat .dockerignore; find . -name __pycache__ -not -path './.venv/*'`,
              misconception: 'MC-IMG-03',
            }),
          };
        },
      });
    },
  };
}

const randomWord = (): string => randomBytes(5).toString('hex');

/** A copy of the project beside it, with files planted; removed when the grade is over. */
async function copied(
  scene: Scene,
  name: string,
  planted: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const folder = await scene.once('build copies', async () => {
    const made = `${COPIES_FOLDER}-${randomWord()}`;
    await scene.exec(['mkdir', '-p', made], { signal });
    scene.finally(() => scene.exec(['rm', '-rf', made]));
    return made;
  });
  // A name of its own each time: BuildKit remembers by the folder's name what it was sent, and would be sent less again.
  const copy = posix.join(folder, `${name}-${randomWord()}`);
  // Sparse files stay sparse: a dump of 200 MB is copied in no time and still sent in full by a build that includes it.
  const script = [`cp -a --sparse=always . "${copy}"`, `cd "${copy}"`];
  for (const [path, content] of Object.entries(planted)) {
    script.push(`mkdir -p "${posix.dirname(path)}"`, `printf '%s' '${content.replaceAll("'", `'\\''`)}' >"${path}"`);
  }
  const outcome = await scene.exec(['sh', '-ec', script.join('\n')], { signal });
  if (outcome.exitCode !== 0) throw new Error(`The project could not be copied: ${outcome.stderr.trim()}`);
  return copy;
}

async function built(scene: Scene, folder: string, options: readonly string[], signal: AbortSignal): Promise<BuildOutcome> {
  const argv = ['docker', 'buildx', 'build', '--progress=rawjson', ...options, '.'];
  const outcome = await scene.exec(argv, { cwd: folder, signal });
  return { ok: outcome.exitCode === 0, ...readProgress(outcome.stderr) };
}

interface Progress {
  vertexes?: { digest: string; name: string; cached?: boolean; error?: string }[];
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
    for (const { digest, name, cached, error: said } of progress.vertexes ?? []) {
      steps.set(digest, { name, cached: cached === true || steps.get(digest)?.cached === true });
      if (said !== undefined && said !== '') error = said;
    }
    for (const { id, current = 0 } of progress.statuses ?? []) {
      if (id.startsWith('transferring context')) contextBytes = Math.max(contextBytes, current);
    }
  }
  const words = error === '' ? plain.join('').trim().split('\n').slice(-4).join('\n') : error;
  return { steps: [...steps.values()], contextBytes, words };
}
