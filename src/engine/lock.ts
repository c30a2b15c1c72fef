// A lock that processes of one machine hold by a file: what takes a minute is done by one of them, and found done by the rest.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { processStartTime } from './machine.ts';

/** How often a held lock is looked at again, in ms: short beside the minute it may be held. */
const LOOK_AGAIN_MS = 200;

/** Does `work` while holding the lock. A lock whose holder died is taken over. `waiting` is called once if it has to wait. */
export async function withLock<T>(path: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  let told = false;
  while (!take(path)) {
    if (!told) waiting();
    told = true;
    await pause(LOOK_AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  const mine = `${process.pid} ${processStartTime(process.pid)}`;
  try {
    writeFileSync(path, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const [pid = '', startedAt = ''] = readHolder(path).split(' ');
  if (pid === '' || processStartTime(Number(pid)) === startedAt) return false;
  // Its holder is gone. Whoever comes first next time has it.
  rmSync(path, { force: true });
  return false;
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Let go of in this very moment.
    return '';
  }
}
