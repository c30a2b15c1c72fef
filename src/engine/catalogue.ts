// Prepares the image catalogue once, inside a seeding sandbox, and gives every sandbox the result as a locked read-only volume.
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { type CatalogueImage, catalogue } from '../../labs/images/catalogue.ts';
import { contentHash } from './content-hash.ts';
import { packFolder } from './folder-tar.ts';
import type { OuterEngine } from './outer-engine.ts';
import type { Progress, Step } from './progress.ts';
import type { SandboxHost } from './sandbox-host.ts';
import { baseTarPath, type SandboxImage } from './sandbox-image.ts';

/** Marks seed volumes, with their hash as the value. */
const SEED_LABEL = 'slipway.seed';
/** Set on a volume's twin once the seed is whole: a half-filled one is never used. */
const COMPLETE_LABEL = 'slipway.seed.complete';
/** A registry that takes longer than this to begin an answer is taken as out of reach, in seconds. */
const PULL_TIMEOUT_SECONDS = 600;

/**
 * Makes sure the catalogue's images lie in a seed volume of this engine; gives the name of the volume that sandboxes mount.
 * Filled by a sandbox under the same user namespace, so that the layers' owners are right. The name follows the content.
 */
export async function prepareSeed(
  host: SandboxHost,
  image: SandboxImage,
  projectFolder: string,
  workFolder: string,
  progress: Progress,
): Promise<string> {
  const { engine } = host;
  const hash = contentHash(projectFolder, sources(), [
    image.hash,
    host.isolation,
    String(image.registryAnswered),
  ]);
  const locked = `slipway-seed-${hash}-locked`;
  if (await engine.hasVolume(locked)) return locked;

  const step = progress.step('Preparing the lab images');
  // A name of its own each time: a seed left half-filled by a crash is never mistaken for this one.
  const name = `slipway-seed-${hash}-${randomBytes(3).toString('hex')}`;
  const mountpoint = await engine.createVolume(name, { [SEED_LABEL]: hash });
  const seeder = await host.start({
    name: `slipway-seeder-${name.slice(-6)}`,
    image: image.reference,
    labels: { [SEED_LABEL]: hash },
    binds: [`${name}:/seed`],
    env: { SLIPWAY_NEIGHBOURHOOD: 'off', SLIPWAY_DOCKERD_ARGS: '--data-root /seed/docker' },
    network: 'bridge',
    limits: 'none',
  });
  try {
    await host.ready(seeder);
    await fill(engine, seeder, image, projectFolder, workFolder, step);
    // An orderly stop, so that the inner engine has written everything it keeps in memory.
    await engine.stopContainer(seeder, 20);
    await engine.removeContainer(seeder);
  } catch (error) {
    step.failed('see below');
    await engine.removeContainer(seeder);
    await engine.removeVolume(name);
    throw new Error('The lab images could not be prepared.', { cause: error });
  }
  // A plain `:ro` mount can be remounted writable by a sandbox's root; a read-only mount made outside can not.
  await engine.createVolume(
    locked,
    { [SEED_LABEL]: hash, [COMPLETE_LABEL]: name },
    { type: 'none', o: 'bind,ro', device: mountpoint },
  );
  await removeOthers(engine, hash, name);
  step.done(
    image.registryAnswered ? 'pulled' : 'no registry answered, stand-ins made from Debian’s packages',
  );
  return locked;
}

/** What the seed is made from: not the recipes' README or tests, which change nothing in it. */
function sources(): string[] {
  const folders = catalogue.flatMap((entry) => (entry.folder === undefined ? [] : [entry.folder]));
  return ['catalogue.ts', ...folders, 'wheels'].map((name) => join('labs/images', name));
}

async function fill(
  engine: OuterEngine,
  seeder: string,
  image: SandboxImage,
  projectFolder: string,
  workFolder: string,
  step: Step,
): Promise<void> {
  const run = async (script: string, note: string): Promise<string> => {
    const outcome = await engine.exec(seeder, ['/bin/sh', '-ec', script], {
      onOutput: (chunk) => step.at(`${note}: ${chunk.toString('utf8').trim().split('\n').at(-1) ?? ''}`),
    });
    if (outcome.exitCode !== 0) {
      throw new Error(
        `${note} ended with ${outcome.exitCode}: ${(outcome.stdout + outcome.stderr).trim().slice(-2_000)}`,
      );
    }
    return outcome.stdout;
  };
  await engine.exec(seeder, ['mkdir', '-p', '/seeding', '/seed/mirror']);
  let count = 0;
  for (const entry of catalogue) {
    count += 1;
    const note = `${count}/${catalogue.length} ${entry.ref}`;
    step.at(note);
    const pulled =
      image.registryAnswered &&
      (
        await engine.exec(seeder, [
          'timeout',
          String(PULL_TIMEOUT_SECONDS),
          'docker',
          'pull',
          '-q',
          entry.pull,
        ])
      ).exitCode === 0;
    if (pulled) await run(`docker tag ${entry.pull} ${entry.ref}`, note);
    else if (entry.folder === undefined) await importBase(engine, seeder, entry, workFolder, step);
    const recipe = pulled ? entry.online : entry.folder === undefined ? undefined : 'Dockerfile';
    if (recipe !== undefined && entry.folder !== undefined) {
      await engine.writeTar(
        seeder,
        '/seeding',
        packFolder(join(projectFolder, 'labs/images', entry.folder), entry.folder),
      );
      await run(
        `cd /seeding/${entry.folder} && docker build --progress=plain -f ${recipe} -t ${entry.ref} . 2>&1`,
        note,
      );
    }
    for (const tag of entry.alsoTagged ?? []) await run(`docker tag ${entry.ref} ${tag}`, note);
  }
  step.at('the package index');
  await engine.writeTar(seeder, '/seeding', packFolder(join(projectFolder, 'labs/images/wheels'), 'wheels'));
  await run(
    'docker run --rm --network none -v /seeding/wheels:/wheels:ro -v /seed/mirror:/mirror python:3.13-slim python /wheels/build.py /mirror',
    'the package index',
  );
  await run('docker builder prune -af >/dev/null; docker container prune -f >/dev/null', 'tidying up');
}

/** The Debian base inside is the same root file system that the sandbox image stands on. */
async function importBase(
  engine: OuterEngine,
  seeder: string,
  entry: CatalogueImage,
  workFolder: string,
  step: Step,
) {
  step.at(`importing ${entry.ref}`);
  const pipe = engine.pipe(seeder, [
    'docker',
    'import',
    ...['-c', 'LABEL lab.standin=true', '-c', `LABEL lab.standin.for=${entry.ref}`],
    ...['-c', `LABEL lab.standin.differs=${JSON.stringify(entry.differs)}`, '-c', 'CMD ["bash"]'],
    '-',
    entry.ref,
  ]);
  await new Promise<void>((resolve, reject) => {
    pipe.on('error', reject);
    pipe.on('end', resolve);
    pipe.resume();
    createReadStream(baseTarPath(workFolder)).on('error', reject).pipe(pipe);
  });
}

/**
 * Seeds of other versions go, unless a sandbox still uses them. The engine refuses to remove a locked volume in use, but
 * not the one that it shows, which no container names: that one goes only after its locked volume.
 */
async function removeOthers(engine: OuterEngine, hash: string, keep: string): Promise<void> {
  const volumes = await engine.volumesLabelled(SEED_LABEL);
  const inUse = new Set([keep]);
  for (const { name, labels } of volumes) {
    const shown = labels[COMPLETE_LABEL];
    if (shown === undefined) continue;
    if (labels[SEED_LABEL] === hash || !(await engine.removeVolume(name))) inUse.add(shown);
  }
  for (const { name, labels } of volumes) {
    if (labels[COMPLETE_LABEL] === undefined && !inUse.has(name)) await engine.removeVolume(name);
  }
}
