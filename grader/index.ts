// The grader's public surface: what a lab is written with.
export type { Check, CheckResult, Evidence, Report, Status, Verdict } from './check.ts';
export { type BuildSource, build } from './checks/build.ts';
export { dockerfile } from './checks/dockerfile.ts';
export { image } from './checks/image.ts';
export { check } from './checks/naming.ts';
export { defineLab } from './define-lab.ts';
export type { Lab, Mutant, Task } from './lab.ts';
