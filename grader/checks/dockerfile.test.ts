import { expect, test } from 'vitest';
import { basesOf, dockerfile } from './dockerfile.ts';

const pinned = (text: string) => basesOf(text).map((base) => [base.reference, base.pinned]);

test.each([
  ['FROM python', [['python', false]]],
  ['FROM python:latest', [['python:latest', false]]],
  ['FROM python:slim', [['python:slim', false]]],
  ['FROM python:3.13-slim', [['python:3.13-slim', true]]],
  ['FROM mirror.lab:5000/python', [['mirror.lab:5000/python', false]]],
  ['from --platform=linux/amd64 python:3.13', [['python:3.13', true]]],
  [`FROM python@sha256:${'a'.repeat(64)}`, [[`python@sha256:${'a'.repeat(64)}`, true]]],
  [`ARG V=3.13\nFROM python:\${V}`, [['python:3.13', true]]],
  ['ARG V=latest\nFROM python:$V', [['python:latest', false]]],
  [`FROM python:\${V:-3.13}`, [['python:3.13', true]]],
  ['FROM python:3.13 AS build\nFROM build\nFROM scratch', [['python:3.13', true]]],
  ['# FROM python\nFROM python:3.13', [['python:3.13', true]]],
])('%s', (text, expected) => {
  expect(pinned(text)).toEqual(expected);
});

test('a Dockerfile that is missing, empty or loose fails and says which line', () => {
  const { judge } = dockerfile().pinsItsBases({ id: 'base' });
  expect(judge(undefined)).toMatchObject({ status: 'fail', actual: 'there is no Dockerfile' });
  expect(judge('RUN true')).toMatchObject({ status: 'fail', actual: 'no FROM with an image in Dockerfile' });
  expect(judge('# syntax=docker/dockerfile:1\nFROM python')).toMatchObject({
    status: 'fail',
    actual: 'line 2: FROM python',
  });
  expect(judge('FROM python:3.13-slim').status).toBe('pass');
});
