// The collections of the site: modules and lessons from content/, labs and their briefs from labs/.

import { defineCollection } from 'astro:content';
import { glob } from 'astro/loaders';
import { z } from 'zod';
import { labOnShelf, lessonFrontmatter, moduleFile, slugOf } from './markdown/frontmatter.ts';
import { labLoader } from './markdown/lab-loader.ts';

const root = process.cwd();

/** The folder a file of a collection lies in: the last but one part of its path. */
function folderOf(entry: string): string {
  return entry.split('/').at(-2) ?? entry;
}

const lessons = defineCollection({
  loader: glob({
    base: './content',
    pattern: '*/*/lesson.mdx',
    generateId: ({ entry }) => slugOf(folderOf(entry)),
  }),
  schema: lessonFrontmatter(root),
});

const modules = defineCollection({
  loader: glob({ base: './content', pattern: '*/module.json', generateId: ({ entry }) => folderOf(entry) }),
  schema: moduleFile,
});

const briefs = defineCollection({
  loader: glob({ base: './labs', pattern: '*/brief.mdx', generateId: ({ entry }) => folderOf(entry) }),
  // A brief has no frontmatter: all there is to say about a lab is in its lab.ts.
  schema: z.object({}),
});

const labs = defineCollection({ loader: labLoader(), schema: labOnShelf });

export const collections = { lessons, modules, briefs, labs };
