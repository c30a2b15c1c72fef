// One container of the grader's from which every network namespace of an engine can be entered, so that many questions cost one process.
import { z } from 'zod';
import { BUSYBOX_PATH, busyboxArchive } from '../busybox.ts';
import { bytesOf } from '../engine-client.ts';
import { PROBE_LABEL, type Scene } from '../scene.ts';
import { textOf } from './container-state.ts';

/** Longer than any grade: a lookout that a crash left behind ends by itself. */
const LIFE_SECONDS = '600';
const LIMITS = { Memory: 256 * 1024 * 1024, PidsLimit: 512 } as const;
/** Processes at once: a question that takes its time must not hold up all that come after it. */
const CLERKS = 3;
/** All answers of one batch; tables of sockets are the largest. */
const ANSWERS_MOST_BYTES = 4 * 1024 * 1024;
const made = z.object({ Id: z.string().regex(/^[0-9a-f]+$/) });

/** Where a question is asked: in the network namespace of a process, or in the engine's own. */
export type Place = 'host' | number;

interface Question {
  readonly place: Place;
  readonly shell: string;
  answer(said: string): void;
  refuse(cause: unknown): void;
}

interface Lookout {
  /** Runs a shell script of busybox commands (`$b nslookup …`) in a place and gives its output. */
  ask(place: Place, shell: string): Promise<string>;
}

/** The lookout of this grade, set up by the first who asks. The image only lends its name; nothing of it runs. */
export function lookoutOf(scene: Scene, image: string, signal: AbortSignal): Lookout {
  const desk = scene.once('lookout', async () => {
    const id = open(scene, image, signal);
    // Whoever asks hears of it; a lookout that nobody waits for yet must not end the process.
    id.catch(() => undefined);
    return { waiting: [] as Question[], id, clerks: { busy: 0 } };
  });

  async function serve(): Promise<void> {
    const { waiting, id, clerks } = await desk;
    if (clerks.busy >= CLERKS) return;
    clerks.busy += 1;
    let batch: Question[] = [];
    try {
      // All that has come while the lookout was set up, or while every clerk was out, goes into one process.
      for (const lookout = await id; waiting.length > 0; ) {
        batch = waiting.splice(0);
        const said = answersIn(await run(scene, lookout, together(batch), signal));
        for (const [index, question] of batch.entries()) question.answer(said.get(index) ?? '');
      }
    } catch (cause) {
      for (const question of [...batch, ...waiting.splice(0)]) question.refuse(cause);
    } finally {
      clerks.busy -= 1;
    }
  }

  return {
    async ask(place, shell) {
      const { waiting } = await desk;
      const said = new Promise<string>((answer, refuse) => {
        waiting.push({ place, shell, answer, refuse });
      });
      void serve();
      return await said;
    },
  };
}

async function open(scene: Scene, image: string, signal: AbortSignal): Promise<string> {
  const answer = await scene.engine.call('POST', '/containers/create', {
    signal,
    body: {
      Image: image,
      Entrypoint: [BUSYBOX_PATH],
      Cmd: ['sleep', LIFE_SECONDS],
      User: '0',
      WorkingDir: '/',
      Healthcheck: { Test: ['NONE'] },
      Labels: { [PROBE_LABEL]: 'lookout' },
      HostConfig: {
        NetworkMode: 'host',
        // Entering another's network takes its process id and the right to; neither gives a way to change anything of it.
        PidMode: 'host',
        UsernsMode: 'host',
        CapDrop: ['ALL'],
        CapAdd: ['SYS_ADMIN', 'SYS_PTRACE', 'DAC_READ_SEARCH'],
        SecurityOpt: ['apparmor=unconfined'],
        ReadonlyRootfs: false,
        ...LIMITS,
      },
    },
  });
  const { Id } = made.parse(answer);
  scene.finally(() => scene.remove(Id));
  await scene.engine.call('PUT', `/containers/${Id}/archive`, {
    query: { path: '/' },
    body: await busyboxArchive(),
    signal,
  });
  await scene.engine.call('POST', `/containers/${Id}/start`, { signal });
  return Id;
}

async function run(scene: Scene, lookout: string, script: string, signal: AbortSignal): Promise<string> {
  const answer = await scene.engine.call('POST', `/containers/${lookout}/exec`, {
    body: { Cmd: [BUSYBOX_PATH, 'sh', '-c', script], AttachStdout: true, AttachStderr: false },
    signal,
  });
  const stream = await scene.engine.stream('POST', `/exec/${made.parse(answer).Id}/start`, {
    body: { Detach: false, Tty: false },
    signal,
  });
  return textOf(await bytesOf(stream, ANSWERS_MOST_BYTES));
}

/** What every question may use: the grader's busybox, its `timeout`, and the time since boot in hundredths of a second. */
const PRELUDE = `b=${BUSYBOX_PATH}
timeout() { $b timeout "$@"; }
now() { read -r up rest </proc/uptime; echo $(( \${up%.*} * 100 + 1\${up#*.} - 100 )); }
`;

/** One script that asks all at once and prints each answer on a line of its own. */
function together(questions: readonly Question[]): string {
  return [
    `b=${BUSYBOX_PATH}`,
    ...questions.map(({ place, shell }, index) => {
      const enter = place === 'host' ? '' : `$b nsenter -t ${place} -n`;
      const quoted = (PRELUDE + shell).replaceAll("'", `'\\''`);
      return `( said=$(${enter} $b sh -c '${quoted}'); echo "${index} $(printf %s "$said" | $b base64 -w0)" ) &`;
    }),
    'wait',
  ].join('\n');
}

/** The answers of a batch by their number. */
export function answersIn(stdout: string): ReadonlyMap<number, string> {
  const answers = new Map<number, string>();
  for (const line of stdout.split('\n')) {
    const [, index, said] = /^(\d+) ([A-Za-z0-9+/=]*)$/.exec(line) ?? [];
    if (index !== undefined) answers.set(Number(index), Buffer.from(said ?? '', 'base64').toString('utf8'));
  }
  return answers;
}
