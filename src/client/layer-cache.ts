// A model of the builder's cache: which steps of a Dockerfile are reused after a change, and what the rest costs.

export interface Step {
  readonly text: string;
  /** Files whose content the step reads from the context. */
  readonly reads: readonly string[];
  /** Files that must have been copied by an earlier step. */
  readonly wants: readonly string[];
  /** What it takes when it is not reused. */
  readonly seconds: number;
}

/** Content of each file, by name; any string will do, only change matters. */
export type Files = Readonly<Record<string, string>>;

export type Outcome =
  | { readonly kind: 'cached'; readonly seconds: 0 }
  | { readonly kind: 'run'; readonly seconds: number; readonly because: string }
  | { readonly kind: 'failed'; readonly seconds: number; readonly because: string }
  | { readonly kind: 'skipped'; readonly seconds: 0 };

export interface Build {
  readonly outcomes: readonly Outcome[];
  readonly seconds: number;
  readonly succeeded: boolean;
  /** The builder's memory afterwards, for the next build. */
  readonly cache: ReadonlySet<string>;
}

const COPIES_EVERYTHING = '*';

/** Names of the files a step takes from the context. */
function filesOf(step: Step, files: Files): string[] {
  return step.reads.includes(COPIES_EVERYTHING) ? Object.keys(files).sort() : [...step.reads];
}

/** Builds: a step is reused if it, its files and everything before it are as in some build before. */
export function build(steps: readonly Step[], files: Files, cache: ReadonlySet<string>): Build {
  const remembered = new Set(cache);
  const copied = new Set<string>();
  const outcomes: Outcome[] = [];
  let chain = '';
  let broken = false;
  let failed = false;
  for (const step of steps) {
    if (failed) {
      outcomes.push({ kind: 'skipped', seconds: 0 });
      continue;
    }
    const taken = filesOf(step, files);
    chain += `\n${step.text}\u0000${taken.map((name) => `${name}=${files[name] ?? ''}`).join('\u0000')}`;
    const missing = step.wants.find((name) => !copied.has(name));
    if (missing) {
      outcomes.push({ kind: 'failed', seconds: 0.4, because: `${missing} is not in the image yet` });
      failed = true;
      continue;
    }
    for (const name of taken) copied.add(name);
    if (remembered.has(chain)) {
      outcomes.push({ kind: 'cached', seconds: 0 });
      continue;
    }
    const because = broken
      ? 'a step before it changed'
      : taken.length > 0
        ? 'a file it copies changed'
        : 'the line is new here';
    broken = true;
    remembered.add(chain);
    outcomes.push({ kind: 'run', seconds: step.seconds, because });
  }
  const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
  return { outcomes, seconds, succeeded: !failed, cache: remembered };
}

/** The example of the widget: an ETL program whose packages take a minute to install. Seconds are a model. */
export const STEPS = {
  from: { text: 'FROM python:3.13-slim', reads: [], wants: [], seconds: 0.2 },
  workdir: { text: 'WORKDIR /app', reads: [], wants: [], seconds: 0.1 },
  requirements: { text: 'COPY requirements.txt ./', reads: ['requirements.txt'], wants: [], seconds: 0.1 },
  install: {
    text: 'RUN pip install --no-cache-dir -r requirements.txt',
    reads: [],
    wants: ['requirements.txt'],
    seconds: 64,
  },
  everything: { text: 'COPY . .', reads: [COPIES_EVERYTHING], wants: [], seconds: 0.6 },
  command: { text: 'CMD ["python", "main.py"]', reads: [], wants: [], seconds: 0.1 },
} as const satisfies Record<string, Step>;

export const CAREFUL_ORDER: readonly Step[] = [
  STEPS.from,
  STEPS.workdir,
  STEPS.requirements,
  STEPS.install,
  STEPS.everything,
  STEPS.command,
];
export const CARELESS_ORDER: readonly Step[] = [
  STEPS.from,
  STEPS.workdir,
  STEPS.everything,
  STEPS.install,
  STEPS.command,
];

export const FIRST_FILES: Files = {
  'main.py': '1',
  'requirements.txt': '1',
  'README.md': '1',
};
