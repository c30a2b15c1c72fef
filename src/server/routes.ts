// The routes below `/api/`, as src/protocol.ts lists them.
import { PassThrough } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Lab } from '../../grader/lab.ts';
import type { Sandbox } from '../engine/spawner.ts';
import {
  type CheckEvent,
  checkRequest,
  hintRequest,
  type LabState,
  type Progress,
  quizAnswer,
  type SandboxState,
  type ServerStatus,
} from '../protocol.ts';
import type { Grading } from './grading.ts';
import { labStateOf, progressOf } from './progress.ts';
import { engineLost, Refusal } from './refusal.ts';
import type { Sandboxes } from './sandboxes.ts';
import type { Store } from './store.ts';

/** How often one learner may ask, per minute. */
export interface RateLimits {
  readonly starts: number;
  readonly checks: number;
  /** Hints, quiz answers, lessons read. */
  readonly facts: number;
}

/** Far above what a person does, far below what a script could. */
export const RATE_LIMITS: RateLimits = { starts: 30, checks: 60, facts: 240 };
const MINUTE_MS = 60_000;

export interface RouteOptions {
  readonly labs: ReadonlyMap<string, Lab>;
  /** Slugs of the lessons there are; without it any well-formed one is taken. */
  readonly lessons: ReadonlySet<string> | undefined;
  readonly store: Store;
  readonly sandboxes: Sandboxes;
  readonly grading: Grading;
  readonly status: () => ServerStatus;
  readonly rateLimits: RateLimits;
}

const slug = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,79}$/);

export function addRoutes(api: FastifyInstance, options: RouteOptions): void {
  const { labs, lessons, store, sandboxes, grading, status, rateLimits } = options;
  const starting = { config: { rateLimit: { max: rateLimits.starts, timeWindow: MINUTE_MS } } };
  const checking = { config: { rateLimit: { max: rateLimits.checks, timeWindow: MINUTE_MS } } };
  const telling = { config: { rateLimit: { max: rateLimits.facts, timeWindow: MINUTE_MS } } };

  function labOf(request: { params: unknown }): Lab {
    const parsed = z.object({ lab: slug }).safeParse(request.params);
    const lab = parsed.success ? labs.get(parsed.data.lab) : undefined;
    if (lab !== undefined) return lab;
    throw new Refusal('no-such-lab', 'There is no lab of this name.', {
      next: 'Choose one from the course page.',
    });
  }

  function lessonOf(request: { params: unknown }): string {
    const parsed = z.object({ lesson: slug }).safeParse(request.params);
    if (parsed.success && (lessons === undefined || lessons.has(parsed.data.lesson)))
      return parsed.data.lesson;
    throw new Refusal('no-such-lesson', 'There is no lesson of this name.', {
      next: 'Choose one from the course page.',
    });
  }

  function requireLabs(): void {
    const { labs: state, message, next } = status();
    if (state === 'ready') return;
    if (sandboxes.engine === 'lost') throw engineLost();
    throw new Refusal('engine-missing', message ?? 'The labs are not ready yet.', {
      ...(next === undefined ? {} : { next }),
      ...(state === 'preparing' ? { retryAfterSeconds: 5 } : {}),
    });
  }

  async function labState(learner: string, lab: Lab): Promise<LabState> {
    const [events, checked] = await Promise.all([store.events(learner), store.lastChecked(learner, lab.id)]);
    const sandbox = sandboxes.find(learner, lab.id);
    return {
      ...labStateOf(lab, events, checked),
      sandbox: sandbox === undefined ? null : sandbox === 'starting' ? sandbox : sandboxState(sandbox),
    };
  }

  api.get('/status', async (): Promise<ServerStatus> => status());

  api.get(
    '/me',
    async (request): Promise<Progress> => progressOf(await store.events(request.learner), labs.values()),
  );

  api.get('/labs/:lab', async (request): Promise<LabState> => labState(request.learner, labOf(request)));

  api.post('/labs/:lab/sandbox', starting, async (request, reply): Promise<SandboxState> => {
    const lab = labOf(request);
    requireLabs();
    const { sandbox, found } = await sandboxes.open(request.learner, lab.id);
    reply.status(found ? 200 : 201);
    return sandboxState(sandbox);
  });

  api.post('/labs/:lab/reset', starting, async (request, reply): Promise<SandboxState> => {
    const lab = labOf(request);
    requireLabs();
    const sandbox = await sandboxes.reset(request.learner, lab.id);
    reply.status(201);
    return sandboxState(sandbox);
  });

  api.delete('/labs/:lab/sandbox', async (request, reply) => {
    const lab = labOf(request);
    requireLabs();
    await sandboxes.end(request.learner, lab.id);
    return reply.status(204).send();
  });

  api.post('/labs/:lab/check', checking, (request, reply) => {
    const lab = labOf(request);
    const { task } = parsed(checkRequest, request.body ?? {});
    if (task !== undefined) taskOf(lab, task);
    requireLabs();
    const { learner } = request;
    const sandbox = sandboxes.find(learner, lab.id);
    if (sandbox === 'starting') {
      throw new Refusal('start-under-way', 'Your container is still starting.', {
        next: 'Check again in a moment.',
        retryAfterSeconds: 1,
      });
    }
    if (sandbox === undefined) {
      throw new Refusal('no-sandbox', 'You have no container for this lab, so there is nothing to check.', {
        next: 'Start the lab first.',
      });
    }
    const lines = new PassThrough();
    const tell = (event: CheckEvent) => {
      if (!lines.destroyed) lines.write(`${JSON.stringify(event)}\n`);
    };
    void grading.check({ learner, lab, task, workplace: sandbox }, tell).then(() => lines.end());
    return reply.type('application/x-ndjson; charset=utf-8').header('x-accel-buffering', 'no').send(lines);
  });

  api.post('/labs/:lab/hint', telling, async (request): Promise<{ text: string }> => {
    const lab = labOf(request);
    const { task: id, level } = parsed(hintRequest, request.body);
    const text = taskOf(lab, id).hints[level - 1] ?? '';
    const { hints } = labStateOf(lab, await store.events(request.learner), []);
    if (!hints.some((hint) => hint.task === id && hint.level === level)) {
      await store.append(request.learner, [{ type: 'hint-asked', lab: lab.id, task: id, level }]);
    }
    return { text };
  });

  api.post('/lessons/:lesson/read', telling, async (request, reply) => {
    const lesson = lessonOf(request);
    const events = await store.events(request.learner);
    if (!events.some((event) => event.type === 'lesson-read' && event.lesson === lesson)) {
      await store.append(request.learner, [{ type: 'lesson-read', lesson }]);
    }
    return reply.status(204).send();
  });

  api.post('/lessons/:lesson/quiz', telling, async (request, reply) => {
    const lesson = lessonOf(request);
    const { item, correct, misconception } = parsed(quizAnswer, request.body);
    await store.append(request.learner, [
      { type: 'quiz-answered', lesson, item, correct, ...(misconception ? { misconception } : {}) },
    ]);
    return reply.status(204).send();
  });
}

function sandboxState({ id, startedAt, expiresAt }: Sandbox): SandboxState {
  return { id, startedAt: startedAt.toISOString(), expiresAt: expiresAt.toISOString() };
}

function taskOf(lab: Lab, id: string): Lab['tasks'][number] {
  const task = lab.tasks.find((one) => one.id === id);
  if (task !== undefined) return task;
  throw new Refusal(
    'bad-request',
    `This lab has no task "${id}"; its tasks are ${lab.tasks.map((one) => one.id).join(', ')}.`,
  );
}

function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new Refusal(
    'bad-request',
    `What was sent is not as it should be${where === '' ? '' : ` at "${where}"`}: ${issue?.message ?? 'unknown'}. Nothing was changed.`,
  );
}
