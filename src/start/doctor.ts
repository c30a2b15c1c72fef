// `npm run doctor`: what is here, what is missing, what to do about it. Changes nothing.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { canInstallPackages, findProgram, isRoot, lacksSysResource } from '../engine/machine.ts';
import { findObstacle, missingPrograms } from '../engine/machine-room.ts';
import { OuterEngine } from '../engine/outer-engine.ts';
import { configuration } from './configuration.ts';

const projectFolder = resolve(import.meta.dirname, '../..');
const config = configuration();
let troubles = 0;

function say(mark: '✓' | '✗' | '·', title: string, detail = '', next = ''): void {
  if (mark === '✗') troubles += 1;
  console.log(
    `${mark} ${title}${detail === '' ? '' : ` — ${detail}`}${next === '' ? '' : `\n    → ${next}`}`,
  );
}

say('✓', 'Node', process.version);
say('✓', 'Data folder', config.dataFolder);
say(
  existsSync(join(projectFolder, 'dist/index.html')) ? '✓' : '·',
  'Site',
  existsSync(join(projectFolder, 'dist/index.html')) ? 'built' : 'not built yet; npm start builds it',
);

const obstacle = await findObstacle(config.engineSocket);
if (obstacle !== undefined) {
  say('✗', 'Labs', obstacle.message, obstacle.next);
} else if (config.engineSocket !== undefined) {
  const facts = await new OuterEngine(config.engineSocket).facts();
  say('✓', 'Engine', `Docker ${facts.version} at ${config.engineSocket}, cgroup v${facts.cgroupVersion}`);
  say(
    facts.usernsRemap ? '✓' : '·',
    'Isolation',
    facts.usernsRemap
      ? 'userns: a learner’s root is nobody on the host'
      : 'privileged: a learner’s root is root on the engine’s machine; only for yourself on your own machine',
  );
} else {
  const missing = missingPrograms();
  if (missing.length === 0)
    say('✓', 'Engine', `a private one, started by npm start (${findProgram('dockerd')})`);
  else
    say(
      '·',
      'Engine',
      `not installed: ${missing.join(', ')}; npm start installs them from Debian’s packages`,
    );
  const socket = join(config.dataFolder, 'engine/docker.sock');
  const running = existsSync(socket) && (await new OuterEngine(socket).answers());
  say('·', 'Private engine', running ? 'running' : 'not running');
  say('✓', 'Isolation', 'userns: a learner’s root is nobody on the host');
  if (lacksSysResource())
    say('·', 'Capabilities', 'this machine keeps SYS_RESOURCE from root; sandboxes go without it');
}
say(
  findProgram('chromium') === undefined ? '·' : '✓',
  'Chromium',
  findProgram('chromium') ?? 'not installed; only npm test needs it, and installs it',
);
try {
  await import('node-pty');
  say('✓', 'node-pty', 'present: lesson recordings can be made');
} catch {
  say(
    '·',
    'node-pty',
    'not built; only recording lessons needs it (install make, g++ and python3, then npm rebuild node-pty)',
  );
}
say(
  '·',
  'This process',
  `${isRoot() ? 'root' : 'not root'}, ${canInstallPackages() ? 'may' : 'may not'} install Debian packages`,
);
console.log(
  troubles === 0 ? '\nNothing stands in the way: npm start' : '\nLessons can be read all the same: npm start',
);
process.exitCode = troubles === 0 ? 0 : 1;
