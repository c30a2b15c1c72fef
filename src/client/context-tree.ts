// The project of the context viewer: its files and sizes, and how they are shown.
import { ignored } from './dockerignore.ts';

/** Sizes in bytes. */
export const PROJECT: readonly { readonly path: string; readonly bytes: number }[] = [
  { path: '.dockerignore', bytes: 60 },
  { path: '.env', bytes: 180 },
  { path: '.git/objects/1.pack', bytes: 41_000_000 },
  { path: '.venv/lib/pandas.so', bytes: 96_000_000 },
  { path: '__pycache__/main.pyc', bytes: 2_400 },
  { path: 'data/dump.csv', bytes: 200_000_000 },
  { path: 'data/schema.sql', bytes: 3_100 },
  { path: 'docs/README.md', bytes: 5_200 },
  { path: 'Dockerfile', bytes: 420 },
  { path: 'main.py', bytes: 1_900 },
  { path: 'README.md', bytes: 2_700 },
  { path: 'requirements.txt', bytes: 90 },
  { path: 'src/.env', bytes: 140 },
  { path: 'src/__pycache__/load.pyc', bytes: 3_300 },
  { path: 'src/load.py', bytes: 4_800 },
];

export const FIRST_IGNORE_FILE = '__pycache__\n.env\n.venv\n';

export interface ContextView {
  readonly rows: readonly { readonly path: string; readonly size: string; readonly sent: boolean }[];
  readonly total: string;
}

/** Bytes as a reader says them. */
export function sizeInWords(bytes: number): string {
  if (bytes >= 1_000_000) return `${(bytes / 1_000_000).toFixed(bytes >= 10_000_000 ? 0 : 1)} MB`;
  if (bytes >= 1_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${bytes} B`;
}

/** What `COPY . .` can reach: the files that no line of the ignore file keeps back. */
export function viewContext(ignoreFile: string): ContextView {
  const out = ignored(
    ignoreFile,
    PROJECT.map(({ path }) => path),
  );
  let total = 0;
  const rows = PROJECT.map(({ path, bytes }, index) => {
    const sent = !out[index];
    if (sent) total += bytes;
    return { path, size: sizeInWords(bytes), sent };
  });
  return { rows, total: sizeInWords(total) };
}
