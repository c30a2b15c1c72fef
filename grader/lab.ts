// A lab is data: what it asks, how it helps, and the wrong answers it must catch.
import type { Check } from './check.ts';

export interface Task {
  /** Short and stable, `[a-z-]+`: it names sections of the brief and rows in the event log. */
  readonly id: string;
  readonly title: string;
  readonly points: number;
  /** Nudge, concept, nearly there. Never a command to paste. */
  readonly hints: readonly [string, string, string];
  readonly checks: readonly Check[];
}

export interface Mutant {
  /** Folder under `mutants/`. */
  readonly name: string;
  /** The wrong idea, as a sentence. */
  readonly title: string;
  /** Exactly the check ids that must come out `fail`. Whatever needs them is `blocked`; all else passes. */
  readonly fails: readonly string[];
}

export interface Lab {
  /** Its folder's name. */
  readonly id: string;
  readonly title: string;
  /** One sentence: what the learner will have at the end. */
  readonly goal: string;
  readonly minutes: number;
  /** Slug of the lesson it belongs to. */
  readonly lesson: string;
  /** Catalogue references it uses: `python:3.13-slim`. */
  readonly images: readonly string[];
  readonly tasks: readonly Task[];
  readonly mutants: readonly Mutant[];
}
