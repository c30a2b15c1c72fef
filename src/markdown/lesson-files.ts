// Files that lie beside a lesson: casts and quizzes, found by the path the author wrote.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseCast } from '../casts/asciicast.ts';
import { developFilm, type Film } from './cast-film.ts';

/** Reads a file beside a lesson. A path that leads nowhere is an error that says where it looked. */
export function readBeside(lessonFile: string, src: string, component: string): string {
  const file = join(dirname(lessonFile), src);
  if (!existsSync(file)) {
    throw new Error(`${lessonFile}: <${component} src="${src}" /> points to ${file}, which is not there.`);
  }
  return readFileSync(file, 'utf8');
}

/** Develops a recording beside a lesson. A cast that can't be read names its file. */
export async function filmBeside(lessonFile: string, src: string): Promise<Film> {
  const text = readBeside(lessonFile, src, 'Cast');
  try {
    return await developFilm(parseCast(text));
  } catch (cause) {
    throw new Error(
      `${join(dirname(lessonFile), src)} is not a recording that can be shown: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}

/** Names of the recordings in a lesson's `casts/` folder, without `.cast`. */
export function castNames(lessonFile: string): string[] {
  const folder = join(dirname(lessonFile), 'casts');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cast'))
    .map((name) => basename(name, '.cast'));
}
