// The environment, parsed once into a Config; a wrong value is one sentence that says what was expected.
import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';

export interface Config {
  readonly host: string;
  /** 0 asks the system for a free port. */
  readonly port: number;
  /** Absolute. Everything that Slipway keeps is below it. */
  readonly dataFolder: string;
  /** Path of the engine's unix socket that was given; without one, Slipway runs its own engine. */
  readonly engineSocket: string | undefined;
  /** Without one, the engine decides: `userns` where Slipway owns it. */
  readonly isolation: 'userns' | 'privileged' | undefined;
  readonly egress: 'none';
  /** Most sandboxes that live at once. */
  readonly capacity: number;
  /** How long a sandbox lives. */
  readonly labMinutes: number;
  /** Where learners reach the site if that is not `http://host:port`, such as `https://docker.example.org`. */
  readonly publicOrigin: string | undefined;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A value in the environment that Slipway can't work with. Its message is for the person who set it. */
export class WrongConfiguration extends Error {
  override readonly name = 'WrongConfiguration';
}

/** What a sandbox is reckoned to need while its learner builds images: less, and a full house would swap. */
const SANDBOX_MEMORY_BYTES = 768 * 1024 * 1024;
/** Left for the system, the outer engine and this process. */
const RESERVED_MEMORY_BYTES = 1536 * 1024 * 1024;
/** No machine gets more by default: beyond this many, starts queue on the disk rather than on memory. */
const CAPACITY_MOST = 40;

/** The number of sandboxes that this much memory carries: at least one. */
export function capacityFor(memoryBytes: number): number {
  const fits = Math.floor((memoryBytes - RESERVED_MEMORY_BYTES) / SANDBOX_MEMORY_BYTES);
  return Math.max(1, Math.min(CAPACITY_MOST, fits));
}

function whole(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(least).max(most));
}

const engineAddress = z
  .string()
  .regex(/^unix:\/\/\/./)
  .transform((url) => url.slice('unix://'.length));

const origin = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
});

/** Name → how to read it, and what to tell who set it wrong. */
const VARIABLES = {
  SLIPWAY_HOST: {
    read: z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/),
    expected: 'the address to listen on, such as 127.0.0.1 or 0.0.0.0',
  },
  SLIPWAY_PORT: {
    read: whole(0, 65535),
    expected: 'a port, a whole number from 0 to 65535 (0: any free one)',
  },
  SLIPWAY_DATA: { read: z.string().max(4096), expected: 'the path of a folder that Slipway may write to' },
  SLIPWAY_ENGINE: {
    read: engineAddress,
    expected: 'the address of an engine on this machine, such as unix:///var/run/docker.sock',
  },
  SLIPWAY_ISOLATION: {
    read: z.enum(['userns', 'privileged']),
    expected: '"userns" (a learner\'s root is nobody on this machine) or "privileged" (one trusted learner)',
  },
  SLIPWAY_EGRESS: {
    read: z.literal('none'),
    expected: '"none" ("packages" and "open" are not built yet: sandboxes have no way out)',
  },
  SLIPWAY_CAPACITY: { read: whole(1, 1000), expected: 'how many sandboxes may live at once, from 1 to 1000' },
  SLIPWAY_LAB_MINUTES: {
    read: whole(5, 7 * 24 * 60),
    expected: 'how many minutes a sandbox lives, from 5 to 10080 (a week)',
  },
  SLIPWAY_ORIGIN: {
    read: origin,
    expected: 'what learners see before the first slash, such as https://docker.example.org',
  },
  SLIPWAY_LOG: { read: z.enum(LOG_LEVELS), expected: `one of ${LOG_LEVELS.join(', ')}` },
} as const;

type Variable = keyof typeof VARIABLES;

/** Reads the environment, once, at the start. Throws `WrongConfiguration` naming the first value it can't work with. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  function value<Name extends Variable>(name: Name): z.output<(typeof VARIABLES)[Name]['read']> | undefined {
    const text = environment[name];
    if (text === undefined || text === '') return undefined;
    const { read, expected } = VARIABLES[name];
    const parsed = read.safeParse(text);
    if (parsed.success) return parsed.data as z.output<(typeof VARIABLES)[Name]['read']>;
    throw new WrongConfiguration(`${name} should be ${expected}, but it is ${quoted(text)}.`);
  }
  return {
    host: value('SLIPWAY_HOST') ?? '127.0.0.1',
    port: value('SLIPWAY_PORT') ?? 4321,
    dataFolder: resolve(value('SLIPWAY_DATA') ?? '.slipway'),
    engineSocket: value('SLIPWAY_ENGINE'),
    isolation: value('SLIPWAY_ISOLATION'),
    egress: value('SLIPWAY_EGRESS') ?? 'none',
    capacity: value('SLIPWAY_CAPACITY') ?? capacityFor(totalmem()),
    labMinutes: value('SLIPWAY_LAB_MINUTES') ?? 240,
    publicOrigin: value('SLIPWAY_ORIGIN'),
    logLevel: value('SLIPWAY_LOG') ?? 'warn',
  };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
