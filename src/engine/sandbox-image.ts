// Builds the image every sandbox runs: Debian trixie with an engine inside. Named by its content, so built once.
import { createReadStream, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from './content-hash.ts';
import { packFolder } from './folder-tar.ts';
import { debianMirror, findProgram, runCommand } from './machine.ts';
import type { OuterEngine } from './outer-engine.ts';
import type { Progress, Step } from './progress.ts';

const SUITE = 'trixie';
const BASE = `debian:${SUITE}-slim`;
const REPOSITORY = 'slipway/sandbox';
/** Emptied in the base: documentation, translations, caches. Licences stay. */
const DEAD_FOLDERS = [
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
  'var/cache/apt',
  'var/lib/apt/lists',
  'var/log',
];
/** As in the official image: what `apt-get install` downloads is not kept in a layer. */
const APT_SETTINGS = `Acquire::Languages "none";
APT::Keep-Downloaded-Packages "false";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
`;
/** Changes when the base is made differently, so that an older one is not taken for it. */
const BASE_RECIPE = contentHash('/', [], [...DEAD_FOLDERS, APT_SETTINGS]).slice(0, 8);
/** A registry that has not said a word for this long is taken as out of reach, in ms. */
const REGISTRY_SILENCE_MS = 8_000;

export interface SandboxImage {
  /** `slipway/sandbox:<hash>` */
  readonly reference: string;
  readonly hash: string;
  /** The Debian base it stands on. */
  readonly base: string;
  /** Whether the base came from a registry: if so, the catalogue's images can be pulled as well. */
  readonly registryAnswered: boolean;
}

/** Makes sure the sandbox image and its base are on the engine; takes seconds if nothing changed, a minute otherwise. */
export async function prepareSandboxImage(
  engine: OuterEngine,
  projectFolder: string,
  workFolder: string,
  progress: Progress,
): Promise<SandboxImage> {
  const recipe = join(projectFolder, 'src/engine/sandbox-image');
  const hash = contentHash(projectFolder, ['src/engine/sandbox-image'], [SUITE, BASE_RECIPE]);
  const reference = `${REPOSITORY}:${hash}`;
  const base = await prepareBase(engine, workFolder, progress);
  if (!(await engine.hasImage(reference))) {
    const step = progress.step('Building the sandbox image');
    try {
      await engine.buildImage(packFolder(recipe), reference, { BASE: base.reference }, (line) =>
        step.at(line),
      );
      step.done();
    } catch (error) {
      step.failed('see below');
      throw new Error('The sandbox image could not be built from Debian’s packages.', { cause: error });
    }
    await removeOthers(engine, reference);
  }
  return { reference, hash, base: base.reference, registryAnswered: base.pulled };
}

/** The Debian base: the one that is there, or pulled, or else made from Debian's packages. */
async function prepareBase(
  engine: OuterEngine,
  workFolder: string,
  progress: Progress,
): Promise<{ reference: string; pulled: boolean }> {
  const own = `slipway/${BASE}-${BASE_RECIPE}`;
  if (await engine.hasImage(own)) return { reference: own, pulled: false };
  if (await engine.hasImage(BASE)) return { reference: BASE, pulled: true };
  const step = progress.step(`Getting ${BASE}`);
  step.at('asking the registry');
  if (await engine.pullImage(BASE, REGISTRY_SILENCE_MS, (line) => step.at(line))) {
    step.done('pulled');
    return { reference: BASE, pulled: true };
  }
  try {
    const tar = await bootstrap(workFolder, step);
    step.at('importing');
    const [repository = own, tag = 'latest'] = own.split(':');
    await engine.importImage(createReadStream(tar), repository, tag);
    step.done('no registry answered, made from Debian’s packages');
    return { reference: own, pulled: false };
  } catch (error) {
    step.failed('no registry answered, and it could not be made from Debian’s packages');
    throw error;
  }
}

/** Where the root file system's tar lies: the catalogue's own Debian image is made from the same one. */
export const baseTarPath = (workFolder: string): string =>
  join(workFolder, `debian-${SUITE}-${BASE_RECIPE}.tar`);

/** Makes Debian's minimal root file system, without documentation and translations, as a tar. */
async function bootstrap(workFolder: string, step: Step): Promise<string> {
  const tar = baseTarPath(workFolder);
  if (existsSync(tar)) return tar;
  if (findProgram('debootstrap') === undefined) throw new Error('debootstrap is not installed.');
  let mirror = await debianMirror();
  if (mirror === undefined) {
    await runCommand(['apt-get', 'update']);
    mirror = await debianMirror();
  }
  if (mirror === undefined) throw new Error('No Debian mirror is named in this machine’s apt configuration.');
  const root = join(workFolder, `debian-${SUITE}`);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  let count = 0;
  await runCommand(['debootstrap', '--variant=minbase', SUITE, root, mirror], {
    onLine: (line) => {
      count += 1;
      step.at(`debootstrap ${count}: ${line.replace(/^I: /, '')}`);
    },
  });
  step.at('packing');
  for (const folder of DEAD_FOLDERS) {
    rmSync(join(root, folder), { recursive: true, force: true });
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, 'etc/apt/apt.conf.d/99slipway'), APT_SETTINGS);
  // Licences stay, changelogs go.
  await runCommand(['find', join(root, 'usr/share/doc'), '-type', 'f', '!', '-name', 'copyright', '-delete']);
  const unfinished = `${tar}.part`;
  await runCommand([
    'tar',
    '-C',
    root,
    '--xattrs',
    '--xattrs-include=*',
    '--numeric-owner',
    '-cf',
    unfinished,
    '.',
  ]);
  await runCommand(['mv', unfinished, tar]);
  rmSync(root, { recursive: true, force: true });
  return tar;
}

/** Sandbox images of earlier versions go, unless a sandbox still runs one (the engine refuses then). */
async function removeOthers(engine: OuterEngine, keep: string): Promise<void> {
  for (const reference of await engine.imageReferences()) {
    if (!reference.startsWith(`${REPOSITORY}:`) || reference === keep) continue;
    await engine.removeImage(reference).catch(() => {});
  }
}
