// The course as pages show it: modules with their lessons in folder order, labs in lesson order.
import { type CollectionEntry, getCollection } from 'astro:content';

export interface CourseLesson {
  readonly slug: string;
  readonly href: string;
  readonly entry: CollectionEntry<'lessons'>;
}

export interface CourseModule {
  readonly folder: string;
  readonly number: number;
  readonly title: string;
  readonly summary: string;
  readonly lessons: readonly CourseLesson[];
  /** Labs of its lessons, in their order. */
  readonly labs: readonly CollectionEntry<'labs'>['data'][];
}

export interface Course {
  readonly modules: readonly CourseModule[];
  readonly lessons: readonly CourseLesson[];
  /** Every lab, those of no written lesson last. */
  readonly labs: readonly CollectionEntry<'labs'>['data'][];
}

function pathOf(entry: CollectionEntry<'lessons'>): string[] {
  return (entry.filePath ?? '').split('/');
}

/** Reads the whole course. Folder numbers give the order; there is no second list. */
export async function course(): Promise<Course> {
  const [entries, moduleEntries, labEntries] = await Promise.all([
    getCollection('lessons'),
    getCollection('modules'),
    getCollection('labs'),
  ]);
  const lessons = entries
    .toSorted((a, b) => (a.filePath ?? '').localeCompare(b.filePath ?? ''))
    .map((entry) => ({ slug: entry.id, href: `/learn/${entry.id}/`, entry }));
  const labs = labEntries.map((entry) => entry.data);
  const labsOf = (slugs: readonly string[]) =>
    slugs.flatMap((slug) =>
      labs.filter((lab) => lab.lesson === slug).toSorted((a, b) => a.id.localeCompare(b.id)),
    );

  const folders = [
    ...new Set([
      ...moduleEntries.map((entry) => entry.id),
      ...lessons.map(({ entry }) => pathOf(entry).at(-3) ?? ''),
    ]),
  ];
  const modules = folders.toSorted().map((folder) => {
    const about = moduleEntries.find((entry) => entry.id === folder);
    if (!about) {
      throw new Error(
        `content/${folder}/module.json is missing; expected { "title": "Images and Dockerfiles", "summary": "One sentence." }`,
      );
    }
    const own = lessons.filter(({ entry }) => pathOf(entry).at(-3) === folder);
    return {
      folder,
      number: Number.parseInt(folder, 10),
      title: about.data.title,
      summary: about.data.summary,
      lessons: own,
      labs: labsOf(own.map(({ slug }) => slug)),
    };
  });
  const ordered = modules.flatMap((module) => module.labs);
  return {
    modules: modules.filter((module) => module.lessons.length > 0),
    lessons: modules.flatMap((module) => module.lessons),
    labs: [...ordered, ...labs.filter((lab) => !ordered.includes(lab))],
  };
}

/** `45 min`, `1 h 10 min`. */
export function duration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours === 0) return `${minutes} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
