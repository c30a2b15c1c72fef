// The lab of lesson L04: a Dockerfile that rebuilds in a moment, carries nothing it should not, and runs without root.
import { build, defineLab, dockerfile, image } from '../../grader/index.ts';

const etl = image('etl:dev');
/** The job writes to /app/out by itself; where that is not what a check asks about, it writes elsewhere. */
const env = { OUT_DIR: '/tmp/out' };
const project = build({
  installs: /\bRUN\b.*\b(pip3?|uv|poetry)\b.*\b(install|sync)\b/,
  code: { path: 'main.py', printing: (word) => `print("${word}")` },
  packages: { path: 'requirements.txt', refused: (word) => `--${word}` },
  shortened: 'data/dump.csv',
  planted: {
    'pipeline/steps/archive/__pycache__/planted.cpython-313.pyc': 'planted',
    'pipeline/__pycache__/planted.cpython-313.pyc': 'planted',
  },
  env,
});
const MIB = 1024 * 1024;

export default defineLab({
  id: 'etl-dockerfile',
  title: 'A Dockerfile for the nightly load',
  goal: 'An image `etl:dev` that rebuilds in a moment, carries nothing it should not, and runs without root.',
  minutes: 40,
  lesson: 'writing-dockerfiles',
  images: ['python:3.13-slim'],
  tasks: [
    {
      id: 'runs',
      title: 'Put the job into an image',
      points: 2,
      hints: [
        'Which files does `main.py` need besides itself? Read its imports, and the imports of what it imports.',
        'An image is a base, your files in a working directory, what they need installed, and the command that starts them. Each is one instruction.',
        'After `FROM` and `WORKDIR` you copy the whole project, run pip with the list of packages in `requirements.txt`, and say with `CMD` what starts. `docker build` has an option that names the result.',
      ],
      checks: [
        etl.exists({ id: 'image.exists' }),
        project.works({ id: 'build.works' }),
        etl.prints('12 rows loaded', {
          id: 'image.prints',
          title: '`docker run --rm etl:dev` prints “12 rows loaded” and ends with 0',
          needs: ['image.exists'],
          env,
          why: 'The job counts the orders it cleaned. If it stops before, the last line of its output says where; a missing package of the project itself means that it was not copied.',
        }),
      ],
    },
    {
      id: 'cache',
      title: 'A change of code must not install again',
      points: 3,
      hints: [
        'Change a word in `main.py` and build again. Which step runs that did not have to?',
        'A step comes from the cache only if everything before it is the same. Ask of each instruction: how often does what it reads change?',
        'What the install needs is a single file. Copy only that one before you install, and everything else after.',
      ],
      checks: [
        project.keepsPackages({ id: 'cache.keeps-packages', needs: ['build.works'] }),
        project.reinstallsOnNewPackages({ id: 'cache.new-packages', needs: ['build.works'] }),
        project.showsChange({ id: 'cache.new-code', needs: ['build.works', 'image.prints'] }),
      ],
    },
    {
      id: 'context',
      title: 'Leave at home what is not needed',
      points: 3,
      hints: [
        'Look at what lies in the folder besides the code: `ls -la`, and `du -sh --apparent-size` of what you find. All of it is sent, and `COPY . .` takes it in.',
        'A `.dockerignore` beside the Dockerfile leaves files out. Its patterns count from the top of the project; two stars and a slash in front match at every depth.',
        'You need a line each for the repository, the virtual environment, the dump’s folder and the `.env` files, and one with two stars for the caches. A secret that was ever copied must be gone from every layer, so build again.',
      ],
      checks: [
        project.sendsLessThan(MIB, { id: 'context.small', needs: ['build.works'] }),
        project.leavesOut(['.env', '.venv', '.git', '__pycache__', 'dump.csv'], {
          id: 'context.clean',
          title:
            'None of `.env`, `.venv`, `.git`, `data/` and `__pycache__` gets into the image, at any depth',
          needs: ['build.works'],
        }),
        etl.carriesNoSecret('WAREHOUSE_API_KEY', {
          id: 'context.no-secret',
          title: 'No layer of `etl:dev` carries the key from `.env`',
          needs: ['image.exists'],
        }),
      ],
    },
    {
      id: 'user',
      title: 'Run without root',
      points: 3,
      hints: [
        'Who does the job run as now? Ask the image: start it with `id` in place of its program.',
        'A user needs to exist, and a folder that belongs to it, before you switch to it. What it only reads may go on belonging to root.',
        'Make a user with uid 10001, make `/app/out` and give that folder, and nothing else, to it. Switch with the number, at the end.',
      ],
      checks: [
        etl.runsAs(10001, { id: 'user.not-root', needs: ['image.exists'] }),
        etl.namesUserByNumber({ id: 'user.by-number', needs: ['user.not-root'] }),
        etl.mayWrite('/app/out', { id: 'user.writes-out', needs: ['user.not-root'] }),
        etl.mayNotWrite('/app/main.py', { id: 'user.reads-code', needs: ['user.not-root'] }),
      ],
    },
    {
      id: 'finish',
      title: 'Finish it: base, start, leftovers',
      points: 3,
      hints: [
        'Three small things: which version of Python is this in a year, who is process 1, and what did pip keep?',
        'A tag with a version pins the base. A command written as a list starts your program itself. What pip keeps for next time can live in a cache mount, which is in no layer.',
        'Give `FROM` a version, write `CMD` with square brackets and one string a word, and give the install step a `--mount` of the kind cache on pip’s cache folder, or tell pip to keep nothing.',
      ],
      checks: [
        dockerfile().pinsItsBases({ id: 'base.pinned' }),
        etl.startsWithoutShell({ id: 'start.exec-form', needs: ['image.exists'] }),
        etl.stopsWithin(3, 'waiting for more orders', {
          id: 'start.stops',
          title: 'Asked to stop, it stops within 3 s (with `FOLLOW=1` it waits for more orders)',
          needs: ['image.prints', 'start.exec-form'],
          env: { ...env, FOLLOW: '1' },
        }),
        etl.hasNothingIn('/root/.cache/pip', { id: 'layers.no-pip-cache', needs: ['image.exists'] }),
      ],
    },
  ],
  mutants: [
    { name: 'wrong-tag', title: 'Builds it under another name', fails: ['image.exists'] },
    { name: 'recipe-left-broken', title: 'Goes on editing after the last build', fails: ['build.works'] },
    {
      name: 'main-only',
      title: 'Copies main.py alone, without the package it imports',
      fails: ['image.prints'],
    },
    {
      name: 'copy-everything-first',
      title: 'Copies the code before installing',
      fails: ['cache.keeps-packages'],
    },
    {
      name: 'packages-by-hand',
      title: 'Names the packages in the Dockerfile',
      fails: ['cache.new-packages'],
    },
    {
      name: 'printed-not-counted',
      title: 'Prints the expected line without running the job',
      fails: ['cache.new-code', 'start.stops'],
    },
    { name: 'dump-in-the-context', title: 'Sends the dump along', fails: ['context.small', 'context.clean'] },
    {
      name: 'ignore-only-at-the-root',
      title: 'Writes .dockerignore like .gitignore',
      fails: ['context.clean'],
    },
    {
      name: 'secret-copied-then-removed',
      title: 'Removes the secret in a later layer',
      fails: ['context.no-secret'],
    },
    { name: 'no-user', title: 'Makes a user and never becomes it', fails: ['user.not-root'] },
    { name: 'user-by-name', title: 'Switches to the user by name', fails: ['user.by-number'] },
    { name: 'out-owned-by-root', title: 'Leaves the output folder to root', fails: ['user.writes-out'] },
    { name: 'code-owned-by-the-job', title: 'Gives the job its own code', fails: ['user.reads-code'] },
    { name: 'bare-python', title: 'Takes whatever python is today', fails: ['base.pinned'] },
    { name: 'shell-form', title: 'Writes CMD as a line for a shell', fails: ['start.exec-form'] },
    { name: 'shell-in-between', title: 'Puts a shell in front of the job', fails: ['start.stops'] },
    { name: 'pip-cache-left', title: 'Leaves pip’s downloads in a layer', fails: ['layers.no-pip-cache'] },
  ],
});
