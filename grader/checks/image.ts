// Checks of an image: that it is there, what it says when it runs, as whom, what it may write, what it carries.
import { posix } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Check, Evidence, Verdict } from '../check.ts';
import type { ImageFacts } from '../facts.ts';
import { findSecretInImage } from '../image-secret.ts';
import type { LayerScan } from '../layers.ts';
import type { RunOutcome, Scene } from '../scene.ts';
import { check, type Naming, worded } from './naming.ts';

export interface RunNaming extends Naming {
  readonly env?: Readonly<Record<string, string>>;
}

/** A shell command that shows an image's run with an environment. */
const runCommand = (reference: string, env: Readonly<Record<string, string>> = {}) => {
  const settings = Object.entries(env).map(([name, value]) => `-e ${name}=${value}`);
  return `${['docker run --rm', ...settings, reference].join(' ')}; echo "exit code $?"`;
};

/** Checks of the image of that name. Each is a check; none runs anything of the image's to judge it, but where its own output is what is asked for. */
export function image(reference: string) {
  const inspect = `GET /images/${reference}/json`;
  const facts = (scene: Scene) => scene.image(reference);

  return {
    /** There is an image of this name. */
    exists(naming: Naming): Check {
      return check<ImageFacts | undefined>({
        id: naming.id,
        title: naming.title ?? `There is an image \`${reference}\``,
        needs: naming.needs ?? [],
        cost: 'inspect',
        probe: facts,
        judge: (found) =>
          found !== undefined
            ? { status: 'pass' }
            : {
                status: 'fail',
                expected: `an image named ${reference}`,
                actual: 'the engine has none of that name',
                evidence: [{ api: inspect, field: 'status', value: 404 }],
                ...worded(naming, {
                  why: 'An image has the name you give it when you build it. Without `-t` it has none at all.',
                  see: `docker image ls ${reference}`,
                }),
              },
      });
    },

    /** Run as it is, it prints this and ends with 0. */
    prints(text: string, naming: RunNaming): Check {
      return check<RunOutcome>({
        id: naming.id,
        title: naming.title ?? `\`docker run --rm ${reference}\` prints “${text}”`,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: (scene, signal) =>
          scene.run({ image: reference, ...(naming.env === undefined ? {} : { env: naming.env }) }, signal),
        judge: ({ exitCode, stdout, stderr }): Verdict => {
          if (exitCode === 0 && stdout.includes(text)) return { status: 'pass', actual: stdout.trim() };
          const said = (stdout + stderr).trim();
          const evidence: Evidence[] = [
            { api: `docker run ${reference}`, field: 'exit code', value: exitCode },
            { api: `docker run ${reference}`, field: 'output', value: said.slice(-600) },
          ];
          return {
            status: 'fail',
            expected: `“${text}” on its output, and exit code 0`,
            actual:
              said === ''
                ? `no output, exit code ${exitCode}`
                : `exit code ${exitCode}, and at the end: ${said.split('\n').at(-1)}`,
            evidence,
            ...worded(naming, {
              why: 'An image is right when what it starts does its work. The last lines of its output say where it stopped.',
              see: runCommand(reference, naming.env),
            }),
          };
        },
      });
    },

    /** What it starts is written as a list of words, not as a line for a shell. */
    startsWithoutShell(naming: Naming): Check {
      return check<ImageFacts | undefined>({
        id: naming.id,
        title: naming.title ?? '`CMD` (or `ENTRYPOINT`) is in exec form',
        needs: naming.needs ?? [],
        cost: 'inspect',
        probe: facts,
        judge: (found) => {
          const { Entrypoint = [], Cmd = [] } = found?.Config ?? {};
          const words = [...Entrypoint, ...Cmd];
          const shell = [Entrypoint, Cmd].some(([program, flag]) => program === '/bin/sh' && flag === '-c');
          if (words.length > 0 && !shell) return { status: 'pass', actual: JSON.stringify(words) };
          return {
            status: 'fail',
            expected: 'a list of words, such as ["python", "main.py"]',
            actual: words.length === 0 ? 'nothing to start' : JSON.stringify(words),
            evidence: [
              { api: inspect, field: '.Config.Entrypoint', value: Entrypoint },
              { api: inspect, field: '.Config.Cmd', value: Cmd },
            ],
            ...worded(naming, {
              why: 'In shell form your program is a line that `/bin/sh -c` reads: a shell stands between the engine and your program, and swallows signals and arguments.',
              see: `docker image inspect -f '{{json .Config.Cmd}}' ${reference}`,
            }),
          };
        },
      });
    },

    /** Whatever it starts is not root. Asked of the kernel, not of the image. */
    runsAs(uid: number, naming: Naming): Check {
      return check<RunOutcome>({
        id: naming.id,
        title: naming.title ?? `Its processes run as uid ${uid}`,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: async (scene, signal) => (await scene.inside(reference, signal)).ask(['id', '-u']),
        judge: ({ stdout, stderr, exitCode }) => {
          const actual = stdout.trim();
          if (exitCode === 0 && actual === String(uid)) return { status: 'pass', actual: `uid ${actual}` };
          return {
            status: 'fail',
            expected: `uid ${uid}`,
            actual:
              exitCode === 0
                ? `uid ${actual}${actual === '0' ? ', which is root' : ''}`
                : `it could not be started: ${stderr.trim()}`,
            evidence: [
              {
                api: `a container of ${reference}, asked with the grader’s own busybox`,
                field: 'id -u',
                value: actual || stderr.trim(),
              },
            ],
            ...worded(naming, {
              why: 'A process that is root in its container is a step closer to being root elsewhere, and what it writes into a shared folder belongs to root.',
              see: `docker run --rm --entrypoint id ${reference}`,
            }),
          };
        },
      });
    },

    /** The user is set as a number, which a host can check without asking the image. */
    namesUserByNumber(naming: Naming): Check {
      return check<ImageFacts | undefined>({
        id: naming.id,
        title: naming.title ?? '`USER` is a number',
        needs: naming.needs ?? [],
        cost: 'inspect',
        probe: facts,
        judge: (found) => {
          const user = found?.Config.User ?? '';
          if (/^\d+(:\d+)?$/.test(user)) return { status: 'pass', actual: `USER ${user}` };
          return {
            status: 'fail',
            expected: 'a number, such as USER 10001',
            actual: user === '' ? 'no USER' : `USER ${user}`,
            evidence: [{ api: inspect, field: '.Config.User', value: user }],
            ...worded(naming, {
              why: 'A name means whatever /etc/passwd in the image says. A platform that insists on “not root” can check a number; a name it has to refuse.',
              see: `docker image inspect -f '{{.Config.User}}' ${reference}`,
            }),
          };
        },
      });
    },

    /** Its user may create files in this folder. */
    mayWrite(folder: string, naming: Naming): Check {
      return check<RunOutcome>({
        id: naming.id,
        title: naming.title ?? `Its user can write to \`${folder}\``,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: async (scene, signal) => {
          const file = posix.join(folder, '.slipway-probe');
          return (await scene.inside(reference, signal)).ask(['touch', file]);
        },
        judge: ({ exitCode, stderr }) =>
          exitCode === 0
            ? { status: 'pass' }
            : {
                status: 'fail',
                expected: `a file can be made in ${folder}`,
                actual: stderr.trim().replace(/^touch: /, ''),
                evidence: [
                  {
                    api: `a container of ${reference}, as its own user`,
                    field: `touch ${folder}/…`,
                    value: stderr.trim(),
                  },
                ],
                ...worded(naming, {
                  why: 'A process that is not root can write only where its user may: the folder must be there and belong to it before `USER` takes effect.',
                  see: `docker run --rm --entrypoint sh ${reference} -c 'id -u; ls -ld ${folder}'`,
                }),
              },
      });
    },

    /** Its user may not change these files or add any beside them. */
    mayNotWrite(file: string, naming: Naming): Check {
      const folder = posix.dirname(file);
      return check<RunOutcome>({
        id: naming.id,
        title: naming.title ?? `Its user cannot change \`${file}\` or what stands beside it`,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: async (scene, signal) =>
          (await scene.inside(reference, signal)).ask([
            'sh',
            '-c',
            `[ -e ${file} ] || { echo missing; exit; }; [ -w ${file} ] && echo file; [ -w ${folder} ] && echo folder; exit 0`,
          ]),
        judge: ({ stdout, stderr, exitCode }) => {
          const found = stdout
            .trim()
            .split('\n')
            .filter((word) => word !== '');
          if (exitCode !== 0)
            return { status: 'blocked', because: `It could not be asked: ${stderr.trim()}` };
          if (found.length === 0) return { status: 'pass' };
          return {
            status: 'fail',
            expected: `${file} is there, and its user can only read it`,
            actual: found.includes('missing')
              ? `there is no ${file}`
              : `writable: ${found.map((what) => (what === 'file' ? file : folder)).join(' and ')}`,
            evidence: [
              { api: `a container of ${reference}, as its own user`, field: 'test -w', value: found },
            ],
            ...worded(naming, {
              why: 'A program that can rewrite itself can be made to. It needs to write where its output goes, and nowhere else.',
              see: `docker run --rm --entrypoint sh ${reference} -c 'id -u; ls -ld ${folder} ${file}'`,
            }),
          };
        },
      });
    },

    /** Nothing lies in this folder of the image. */
    hasNothingIn(folder: string, naming: Naming): Check {
      return check<readonly string[]>({
        id: naming.id,
        title: naming.title ?? `Nothing is left in \`${folder}\``,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: async (scene, signal) => (await scene.namesBelow(reference, folder, signal)) ?? [],
        judge: (names) => {
          const files = names.filter((name) => !name.endsWith('/'));
          if (files.length === 0) return { status: 'pass' };
          return {
            status: 'fail',
            expected: `no file below ${folder}`,
            actual: `${files.length} ${files.length === 1 ? 'file' : 'files'}, such as ${folder}/${files[0]}`,
            evidence: [
              { api: `the files of ${reference}`, field: `below ${folder}`, value: files.slice(0, 20) },
            ],
            ...worded(naming, {
              why: 'What a tool keeps for its next run is dead weight in an image: there is no next run in that layer.',
              see: `docker run --rm --user 0 --entrypoint sh ${reference} -c 'find ${folder} -type f | head'`,
            }),
          };
        },
      });
    },

    /** A planted value is in no layer, not even a deleted file of one, and not in the configuration or history. */
    carriesNoSecret(canary: string, naming: Naming): Check {
      return check<LayerScan>({
        id: naming.id,
        title: naming.title ?? 'No layer carries a secret',
        needs: naming.needs ?? [],
        cost: 'container',
        probe: async (scene, signal) => findSecretInImage(scene, reference, scene.canary(canary), signal),
        judge: ({ layers, findings }) => {
          const [first] = findings;
          if (first === undefined) return { status: 'pass', actual: `${layers} layers looked through` };
          const where =
            first.layer === 0
              ? `the image’s ${first.path}`
              : `layer ${first.layer} of ${layers}, in ${first.path}`;
          return {
            status: 'fail',
            expected: 'the value is in no layer, and not in the history',
            actual: `it is in ${where}${first.hidden ? '; a later layer deletes the file, and the bytes stay' : ''}`,
            evidence: findings.map(({ layer, path, hidden }) => ({
              api: `GET /images/${reference}/get`,
              field: layer === 0 ? 'configuration' : `layer ${layer}`,
              value: hidden ? `${path} (deleted later)` : path,
            })),
            ...worded(naming, {
              why: 'A layer is never rewritten. Deleting a file in a later one hides it from the container, not from whoever has the image.',
              see: `docker history --no-trunc --format '{{.Size}}\t{{.CreatedBy}}' ${reference}`,
              misconception: 'MC-LAY-01',
            }),
          };
        },
      });
    },

    /** Asked to stop, it does so in time instead of being killed. */
    stopsWithin(seconds: number, ready: string, naming: RunNaming): Check {
      interface Stop {
        readonly ready: boolean;
        /** False if it ended before it was asked to. */
        readonly running: boolean;
        readonly logs: string;
        readonly exitCode: number;
        readonly ms: number;
      }
      /** How long the program may take to say that it is ready, in ms. */
      const READY_WITHIN_MS = 15_000;
      const LOOK_AGAIN_MS = 25;
      return check<Stop>({
        id: naming.id,
        title: naming.title ?? `\`docker stop\` takes less than ${seconds} s`,
        needs: naming.needs ?? [],
        cost: 'container',
        probe: async (scene, signal) => {
          const container = await scene.start(
            { image: reference, ...(naming.env === undefined ? {} : { env: naming.env }) },
            signal,
          );
          const deadline = Date.now() + READY_WITHIN_MS;
          let logs = await container.logs();
          let running = true;
          while (!logs.includes(ready) && running && Date.now() < deadline) {
            await setTimeout(LOOK_AGAIN_MS);
            running = (await scene.freshContainer(container.id))?.State.Running === true;
            logs = await container.logs();
          }
          if (!running) {
            const exitCode = (await scene.freshContainer(container.id))?.State.ExitCode ?? -1;
            return { ready: logs.includes(ready), running, logs, exitCode, ms: 0 };
          }
          const { exitCode, ms } = await container.stop(seconds);
          return { ready: logs.includes(ready), running, logs, exitCode, ms };
        },
        judge: (stop) => {
          /** What a process killed for not stopping ends with. */
          const KILLED = 137;
          if (!stop.running) {
            return {
              status: 'fail',
              expected: `it says “${ready}” and goes on until it is asked to stop`,
              actual: `it ended by itself with exit code ${stop.exitCode}`,
              evidence: [
                { api: 'GET /containers/{id}/logs', field: 'output', value: stop.logs.trim().slice(-300) },
              ],
              ...worded(naming, {
                why: 'What the image starts is not the program that was meant, or it does not get as far.',
                see: runCommand(reference, naming.env),
              }),
            };
          }
          if (!stop.ready) {
            const because = `It did not say “${ready}” within ${READY_WITHIN_MS / 1000} s, so how it stops can’t be seen. Its output: ${stop.logs.trim().slice(-300)}`;
            return { status: 'blocked', because };
          }
          if (stop.exitCode !== KILLED)
            return { status: 'pass', actual: `${(stop.ms / 1000).toFixed(1)} s, exit code ${stop.exitCode}` };
          return {
            status: 'fail',
            expected: `it ends by itself within ${seconds} s of being asked`,
            actual: `it did not, and was killed (exit code ${KILLED})`,
            evidence: [
              {
                api: 'POST /containers/{id}/stop, then GET /containers/{id}/json',
                field: '.State.ExitCode',
                value: stop.exitCode,
              },
            ],
            ...worded(naming, {
              why: 'The engine asks process 1, and only that. If a shell is process 1, your program never hears of it, and ten seconds later it is killed in the middle of its work.',
              see: `id=$(docker run -d${Object.entries(naming.env ?? {})
                .map(([name, value]) => ` -e ${name}=${value}`)
                .join('')} ${reference}); docker top $id; docker rm -f $id`,
            }),
          };
        },
      });
    },
  };
}
