// Which lesson a component stands in, told by the page's address.
import { type CollectionEntry, getEntry } from 'astro:content';

/** The lesson of the page being built. `component` names who asks, for the error. */
export async function lessonOfPage(
  params: Record<string, string | undefined>,
  component: string,
): Promise<CollectionEntry<'lessons'> & { filePath: string }> {
  const entry = params.lesson ? await getEntry('lessons', params.lesson) : undefined;
  if (!entry?.filePath)
    throw new Error(`<${component} /> can only stand in a lesson: content/<module>/<lesson>/lesson.mdx`);
  return { ...entry, filePath: entry.filePath };
}
