// The films of recorded terminals, fetched when a reader presses Play.

import { getCollection } from 'astro:content';
import type { APIContext } from 'astro';
import { castNames, filmBeside } from '../../../markdown/lesson-files.ts';

export async function getStaticPaths() {
  const lessons = await getCollection('lessons');
  return lessons.flatMap((lesson) => {
    const file = lesson.filePath ?? '';
    return castNames(file).map((name) => ({ params: { lesson: lesson.id, name }, props: { file } }));
  });
}

export async function GET({ params, props }: APIContext<{ file: string }>): Promise<Response> {
  return Response.json(await filmBeside(props.file, `./casts/${params.name}.cast`));
}
