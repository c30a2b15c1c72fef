// `npm run prove [-- LAB…] [--only NAME] [--json FILE]`: the gate that a lab must pass, in sandboxes of its own.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labNames, loadLab } from '../../grader/load-labs.ts';
import { type LabProof, prove } from '../../grader/prove.ts';
import { openMachineRoom } from '../engine/machine-room.ts';
import { progressOn } from '../engine/progress.ts';
import { configuration, EXIT_WRONG_USE } from './configuration.ts';
import { projectFolder, sentences } from './house.ts';

/** No case takes longer; a sandbox that a crash left behind ends by then. */
const SANDBOX_LIFE_MS = 3_600_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, only: { type: 'string' } },
});
const labsFolder = join(projectFolder, 'labs');
const names = positionals.length > 0 ? positionals : labNames(labsFolder);

try {
  process.exitCode = await main();
} catch (error) {
  console.error(sentences(error));
  process.exitCode = EXIT_WRONG_USE;
}

async function main(): Promise<number> {
  const labs = [];
  for (const name of names) labs.push(await loadLab(labsFolder, name));
  const config = configuration();
  const answer = await openMachineRoom({
    projectFolder,
    dataFolder: config.dataFolder,
    engineSocket: config.engineSocket,
    isolation: config.isolation,
    // Apart from a served Slipway on the same engine: neither sees the other's sandboxes.
    instance: `prove-${process.pid}`,
    canaryKey: randomBytes(32),
    progress: progressOn(process.stderr),
  });
  if (answer.state === 'unavailable') throw new Error(`${answer.obstacle.message} ${answer.obstacle.next}`);
  const { room } = answer;
  process.env.SLIPWAY_BUSYBOX = room.busybox;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stop.abort(new Error('Stopped.')));
  try {
    const proofs: LabProof[] = [];
    for (const lab of labs) {
      console.log(`\n${lab.id}`);
      const open = async () => {
        const expiresAt = new Date(Date.now() + SANDBOX_LIFE_MS);
        const sandbox = await room.spawner.spawn({ learner: 'prove', lab: lab.id, expiresAt }, stop.signal);
        return Object.assign(sandbox, { [Symbol.asyncDispose]: () => sandbox.remove() });
      };
      const proof = await prove(lab, join(labsFolder, lab.id), open, {
        signal: stop.signal,
        ...(values.only === undefined ? {} : { only: values.only }),
        onCase: (one) => {
          console.log(`  ${one.ok ? '✓' : '✗'} ${one.kind} ${one.name}  (${one.seconds.toFixed(1)} s)`);
          for (const problem of one.problems) console.log(`      ${problem}`);
        },
      });
      proofs.push(proof);
    }
    const ok = proofs.every((proof) => proof.ok);
    const cases = proofs.flatMap((proof) => proof.cases);
    console.log(`\n${cases.filter((one) => one.ok).length} of ${cases.length} cases hold.`);
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ ok, labs: proofs }, undefined, 2)}\n`);
    return ok ? 0 : 1;
  } finally {
    for (const sandbox of await room.spawner.list()) await sandbox.remove();
    await room.close();
  }
}
