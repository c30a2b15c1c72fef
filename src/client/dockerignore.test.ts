// `.dockerignore` as the builder reads it, not as git reads its own file.
import { expect, it } from 'vitest';
import { ignored } from './dockerignore.ts';

function sent(ignoreFile: string, ...paths: readonly string[]): string[] {
  const out = ignored(ignoreFile, paths);
  return paths.filter((_, index) => !out[index]);
}

it('anchors a plain name at the root', () => {
  expect(sent('__pycache__', '__pycache__/a.pyc', 'src/__pycache__/b.pyc')).toEqual([
    'src/__pycache__/b.pyc',
  ]);
});

it('finds a name at any depth, the root included, with **/', () => {
  expect(sent('**/__pycache__', '__pycache__/a.pyc', 'src/pkg/__pycache__/b.pyc', 'src/a.py')).toEqual([
    'src/a.py',
  ]);
});

it('leaves out all that is in a folder whose name matches, with or without a slash at its end', () => {
  expect(sent('data/', 'data/dump.csv', 'data/deep/er.csv', 'mydata/x')).toEqual(['mydata/x']);
  expect(sent('/data', 'data/dump.csv')).toEqual([]);
});

it('lets a star stop at a slash', () => {
  expect(sent('*.pyc', 'a.pyc', 'src/a.pyc')).toEqual(['src/a.pyc']);
  expect(sent('src/*.pyc', 'src/a.pyc', 'src/pkg/a.pyc')).toEqual(['src/pkg/a.pyc']);
});

it('lets the last matching line decide', () => {
  expect(sent('*.md\n!README.md', 'README.md', 'NOTES.md')).toEqual(['README.md']);
  expect(sent('!README.md\n*.md', 'README.md')).toEqual([]);
});

it('takes a file back out of a folder that was left out', () => {
  expect(sent('data\n!data/schema.sql', 'data/dump.csv', 'data/schema.sql')).toEqual(['data/schema.sql']);
});

it('keeps only what is listed under an allow-list', () => {
  expect(sent('*\n!src\n**/__pycache__', '.env', 'src/a.py', 'src/__pycache__/a.pyc')).toEqual(['src/a.py']);
});

it('skips comments and empty lines, and takes a # inside a line as it is', () => {
  expect(sent('# data\n\n  \na#b', 'data', 'a#b')).toEqual(['data']);
});

it('understands one-letter wildcards and sets', () => {
  expect(sent('**/*.py[co]\nlog?.txt', 'a.pyc', 'b.py', 'log1.txt', 'log12.txt')).toEqual([
    'b.py',
    'log12.txt',
  ]);
});

it('tidies a pattern as a path before it matches', () => {
  expect(sent('./data//deep/../dump.csv', 'data/dump.csv')).toEqual([]);
});

it('matches everything below with a trailing /**, but not the folder’s neighbours', () => {
  expect(sent('data/**', 'data/a', 'data/b/c', 'database')).toEqual(['database']);
});
