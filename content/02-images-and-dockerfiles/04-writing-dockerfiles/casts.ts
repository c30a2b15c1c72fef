// How the casts of this lesson are recorded: each prepares its own small project, and says what it must have shown.
import type { CastRecipe } from '../../../src/casts/recipe.ts';

/** A shell command that writes a file, whatever it contains. */
function file(path: string, ...lines: readonly string[]): string {
  return `mkdir -p "$(dirname '${path}')" && cat >'${path}' <<'END OF FILE'\n${lines.join('\n')}\nEND OF FILE\n`;
}

/** Nothing of an earlier recording may be reused, or CACHED would mean nothing. */
const FRESH = `docker ps -aq | xargs -r docker rm -f
docker images -q --filter reference=prices --filter reference=theirs --filter reference=yours | xargs -r docker rmi -f
docker builder prune -af
docker image prune -f
`;

/** Orchard's price check: the lesson's example, a sister of the program in the lab. */
const PROJECT =
  FRESH +
  file(
    'main.py',
    'from src.compare import changed',
    '',
    'yesterday = {"apples": "€ 2,30", "bread": "3.10", "milk": "1,15 EUR"}',
    'today = {"apples": "2.40", "bread": "€ 3,10", "milk": "1.19"}',
    'print("changed:", ", ".join(changed(today, yesterday)))',
  ) +
  file(
    'src/compare.py',
    'from orchard_money import parse_price',
    '',
    'def changed(today, yesterday):',
    '    print("comparing", len(today), "prices")',
    '    return [name for name in today if parse_price(today[name]) != parse_price(yesterday[name])]',
  ) +
  file('requirements.txt', 'orchard-money==1.0.0');

const DOCKERFILE = file(
  'Dockerfile',
  '# Choose the base',
  'FROM python:3.13-slim',
  'WORKDIR /app',
  '# Install what changes rarely',
  'COPY requirements.txt ./',
  'RUN pip install --no-cache-dir -r requirements.txt',
  '# Copy what changes often',
  'COPY src/ ./src/',
  'COPY main.py ./',
  '# Drop rights',
  'USER 10001',
  '# Say how it starts',
  'CMD ["python", "main.py"]',
);

const DOCKERFILE_SLOW = file(
  'Dockerfile.slow',
  'FROM python:3.13-slim',
  'WORKDIR /app',
  'COPY . .',
  'RUN pip install --no-cache-dir -r requirements.txt',
  'CMD ["python", "main.py"]',
);

const COPY_ALL = file(
  'Dockerfile',
  'FROM python:3.13-slim',
  'WORKDIR /app',
  'COPY . .',
  'CMD ["python", "main.py"]',
);

const CACHES = `mkdir -p __pycache__ src/__pycache__
echo compiled >__pycache__/main.cpython-313.pyc
echo compiled >src/__pycache__/compare.cpython-313.pyc
echo PASSWORD=hunter2 >.env
`;

export const casts: readonly CastRecipe[] = [
  {
    name: 'order-slow',
    title: 'Code is copied first: a changed word installs everything again',
    folder: 'prices',
    setup: `${PROJECT + DOCKERFILE_SLOW}docker build -f Dockerfile.slow -t prices .`,
    steps: [
      { type: "sed -i 's/comparing/checking/' src/compare.py" },
      { type: 'docker build -f Dockerfile.slow -t prices .' },
    ],
    shows: ['CACHED [2/4] WORKDIR /app', '=> [3/4] COPY . .', '=> [4/4] RUN pip install', 'FINISHED'],
  },
  {
    name: 'order-fast',
    title: 'Packages first: the same edit leaves the install step CACHED',
    folder: 'prices',
    setup: `${PROJECT + DOCKERFILE}docker build -t prices .`,
    steps: [
      { type: "sed -i 's/comparing/checking/' src/compare.py" },
      { type: 'docker build -t prices .' },
      { type: 'docker run --rm prices' },
    ],
    shows: [
      'CACHED [3/6] COPY requirements.txt ./',
      'CACHED [4/6] RUN pip install',
      '=> [5/6] COPY src/ ./src/',
      'checking 3 prices',
    ],
  },
  {
    name: 'touch-and-comment',
    title: 'A new file time and a new comment in the Dockerfile change nothing',
    folder: 'prices',
    setup: `${PROJECT + DOCKERFILE}docker build -t prices .`,
    steps: [
      { type: 'touch requirements.txt' },
      { type: "sed -i '/^RUN/i # our packages' Dockerfile" },
      { type: 'docker build -t prices .' },
    ],
    shows: [
      '# our packages',
      'CACHED [3/6] COPY requirements.txt',
      'CACHED [4/6] RUN pip install',
      'CACHED [6/6] COPY main.py',
    ],
  },
  {
    name: 'lock-glob',
    title: 'With the star, a missing lock file goes unnoticed',
    folder: 'prices',
    setup:
      FRESH +
      file('pyproject.toml', '[project]', 'name = "prices"', 'version = "1.0"') +
      file('Dockerfile.star', 'FROM python:3.13-slim', 'COPY pyproject.toml uv.lock* ./') +
      file('Dockerfile.named', 'FROM python:3.13-slim', 'COPY pyproject.toml uv.lock ./'),
    steps: [
      { type: 'ls' },
      { type: 'cat Dockerfile.star' },
      { type: 'docker build -q -f Dockerfile.star -t prices .' },
      { type: 'docker build -q -f Dockerfile.named -t prices .', exit: 1 },
    ],
    shows: ['COPY pyproject.toml uv.lock* ./', 'sha256:', '"/uv.lock": not found'],
  },
  {
    name: 'context-size',
    title: 'What is sent depends on what COPY names',
    folder: 'prices',
    setup:
      PROJECT +
      COPY_ALL +
      file('Dockerfile.named', 'FROM python:3.13-slim', 'WORKDIR /app', 'COPY main.py ./') +
      'mkdir data && head -c 60M /dev/zero >data/dump.csv',
    steps: [
      { type: 'ls -sh data' },
      { type: 'tail -n 1 Dockerfile.named' },
      { type: 'export BUILDKIT_PROGRESS=plain' },
      { type: "docker build -f Dockerfile.named . |& grep -A 1 'build context'" },
      { type: 'tail -n 2 Dockerfile' },
      { type: "docker build . |& grep -A 1 'build context'" },
      { type: "docker build . |& grep -A 1 'build context'" },
    ],
    shows: ['60M dump.csv', 'transferring context: 62.9'],
  },
  {
    name: 'ignore-top',
    title: 'Without **/ the patterns cover the top folder only',
    folder: 'prices',
    setup:
      PROJECT + COPY_ALL + CACHES + file('.dockerignore', '.git', '__pycache__', '*.pyc', '.venv', '.env'),
    steps: [
      { type: 'cat .dockerignore' },
      { type: "find . -name '*.pyc'" },
      { type: 'docker build -q -t prices .' },
      { type: "docker run --rm prices find /app -name '*.pyc'" },
    ],
    shows: [
      './__pycache__/main.cpython-313.pyc',
      './src/__pycache__/compare.cpython-313.pyc',
      '/app/src/__pycache__/compare.cpython-313.pyc',
    ],
    hides: ['/app/__pycache__'],
  },
  {
    name: 'ignore-deep',
    title: 'With **/ they cover every folder, and .env needs a line of its own',
    folder: 'prices',
    setup:
      PROJECT +
      COPY_ALL +
      CACHES +
      file(
        '.dockerignore',
        '# .dockerignore',
        '**/__pycache__',
        '**/*.pyc',
        '**/*.pyo',
        '**/*.pyd',
        '.Python',
        '.venv/',
        'venv/',
        'ENV/',
        'env/',
        'pip-log.txt',
        'pip-delete-this-directory.txt',
        '.tox/',
        '.coverage',
        '.coverage.*',
        'htmlcov/',
        '.pytest_cache/',
        'coverage.xml',
        '*.cover',
        '*.log',
        '.git',
        '.gitignore',
        '.mypy_cache',
        '.hypothesis',
        '.dockerignore',
        'Dockerfile*',
        'docker-compose*.yml',
        '.github/',
        '.vscode/',
        '.idea/',
        '*.md',
        'tests/',
        'docs/',
      ),
    steps: [
      { type: 'grep env .dockerignore' },
      { type: 'docker build -q -t prices .' },
      { type: 'docker run --rm prices find /app -type f' },
      { type: "echo '**/.env*' >>.dockerignore" },
      { type: 'docker build -q -t prices .' },
      { type: 'docker run --rm prices find /app -type f' },
    ],
    shows: ['.venv/', '/app/.env', '**/.env*'],
    hides: ['/app/src/__pycache__', 'tests/'],
  },
  {
    name: 'add-tar',
    title: 'ADD unpacks a local tar, and leaves a downloaded one as it is',
    folder: 'prices',
    setup:
      FRESH +
      file('monday.csv', 'sku,price', 'apples,240') +
      file('tuesday.csv', 'sku,price', 'apples,230') +
      file(
        'Dockerfile',
        'FROM python:3.13-slim',
        'ADD prices.tar.gz /local/',
        'ADD http://mirror.lab:8099/prices.tar.gz /remote/',
        'CMD ["find", "/local", "/remote", "-type", "f"]',
      ) +
      // The port is a variable so that the script's own command line is not taken for an old web server.
      `tar -czf prices.tar.gz monday.csv tuesday.csv
port=8099
pkill -f "^busybox httpd -p $port" || true
busybox httpd -p $port -h .`,
    steps: [
      { type: 'tar -tf prices.tar.gz' },
      { type: 'cat Dockerfile' },
      { type: 'docker build -q -t prices .' },
      { type: 'docker run --rm prices' },
    ],
    shows: ['/local/monday.csv', '/local/tuesday.csv', '/remote/prices.tar.gz'],
    hides: ['/remote/monday.csv', '/local/prices.tar.gz'],
  },
  {
    name: 'run-cd',
    title: 'Each RUN is a new process',
    folder: 'prices',
    setup:
      FRESH +
      file(
        'Dockerfile',
        'FROM python:3.13-slim',
        'RUN cd /tmp && export MOOD=good',
        'RUN echo "in $PWD, mood: $MOOD"',
      ),
    steps: [{ type: 'cat Dockerfile' }, { type: 'docker build --progress=plain . |& grep -A 2 RUN' }],
    shows: ['in /, mood:'],
    hides: ['in /tmp'],
  },
  {
    name: 'arg-scope',
    title: 'TAG ends at FROM, RELEASE ends with the build, STAGE stays',
    folder: 'prices',
    setup:
      FRESH +
      file(
        'Dockerfile',
        'ARG TAG=3.13-slim',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the Dockerfile's own syntax
        'FROM python:${TAG}',
        'ARG RELEASE',
        'ENV STAGE=nightly',
        'RUN echo "building: TAG=$TAG RELEASE=$RELEASE STAGE=$STAGE"',
        'CMD ["sh", "-c", "echo running: TAG=$TAG RELEASE=$RELEASE STAGE=$STAGE"]',
      ),
    steps: [
      { type: 'export BUILDKIT_PROGRESS=plain' },
      { type: "docker build --build-arg RELEASE=42 -t prices . |& grep ' building:'" },
      { type: 'docker run --rm prices' },
      { type: "docker history --no-trunc --format '{{.CreatedBy}}' prices | head -n 4" },
    ],
    shows: [
      'building: TAG= RELEASE=42 STAGE=nightly',
      'running: TAG= RELEASE= STAGE=nightly',
      'RUN |1 RELEASE=42',
    ],
  },
  {
    name: 'arg-unused',
    title: 'A build argument without its ARG has no effect, and nothing says so',
    folder: 'prices',
    setup: FRESH + file('Dockerfile', 'FROM python:3.13-slim', 'CMD ["python", "--version"]'),
    steps: [
      { type: 'cat Dockerfile' },
      { type: 'docker build --build-arg PYTHON_VERSION=3.11 -t prices .' },
      { type: 'docker run --rm prices' },
    ],
    shows: ['FINISHED', 'Python 3.13'],
    hides: ['not consumed', 'Warning', 'warning'],
  },
  {
    name: 'no-cache-pull',
    title: '--no-cache never asks the registry; --pull does',
    folder: 'prices',
    setup: `${PROJECT + DOCKERFILE}docker build -t prices .`,
    steps: [
      { type: "docker build --no-cache --progress=plain . |& grep -A 1 -e FROM -e 'RUN pip'" },
      { type: 'docker build --pull -q .', exit: 1 },
    ],
    shows: [
      'FROM docker.io/library/python:3.13-slim',
      '] RUN pip install',
      'Looking in indexes',
      'failed to resolve source metadata',
    ],
  },
  {
    name: 'cache-mount',
    title: 'One package is new; the other comes from the cache mount, and the image holds neither download',
    folder: 'prices',
    setup:
      PROJECT +
      file(
        'Dockerfile',
        'FROM python:3.13-slim',
        'WORKDIR /app',
        'COPY requirements.txt ./',
        'RUN --mount=type=cache,target=/root/.cache/pip \\',
        '    pip install -r requirements.txt',
      ) +
      'docker build -t prices .',
    steps: [
      { type: 'echo orchard-pg==1.0.0 >>requirements.txt' },
      { type: "docker build --progress=plain -t prices . |& grep 'whl ('" },
      { type: 'docker run --rm prices ls -A /root' },
    ],
    shows: ['Using cached', 'orchard_money', 'Downloading', 'orchard_pg', '.profile'],
    hides: ['.cache'],
  },
  {
    name: 'not-writable',
    title: "The user can't write in /app, until one folder is given to it",
    folder: 'prices',
    setup:
      PROJECT +
      file(
        'Dockerfile.theirs',
        'FROM python:3.13-slim',
        'WORKDIR /app',
        'COPY . .',
        'RUN useradd -m appuser',
        'USER appuser',
        'CMD ["python", "main.py"]',
      ) +
      file(
        'Dockerfile.yours',
        'FROM python:3.13-slim',
        'WORKDIR /app',
        'COPY . .',
        'RUN install -d -o 10001 -g 10001 /app/out',
        'USER 10001',
        'CMD ["python", "main.py"]',
      ),
    steps: [
      { type: 'docker build -q -f Dockerfile.theirs -t theirs .' },
      { type: "docker run --rm theirs sh -c 'id; ls -ld /app; touch /app/new.csv'", exit: 1 },
      { type: 'tail -n 4 Dockerfile.yours' },
      { type: 'docker build -q -f Dockerfile.yours -t yours .' },
      { type: 'docker run --rm yours touch /app/out/new.csv && echo written' },
      { type: 'docker run --rm yours touch /app/main.py', exit: 1 },
    ],
    shows: [
      "cannot touch '/app/new.csv': Permission denied",
      'written',
      "cannot touch '/app/main.py': Permission denied",
    ],
  },
  {
    name: 'expose',
    title: 'EXPOSE is a note; -p opens the door',
    folder: 'prices',
    setup:
      FRESH +
      file(
        'Dockerfile',
        'FROM python:3.13-slim',
        'EXPOSE 8000',
        'CMD ["python", "-m", "http.server", "8000"]',
      ) +
      'docker build -t prices .',
    steps: [
      { type: 'docker run -d --name exposed prices' },
      { type: 'docker run -d --name published -p 8000:8000 prices' },
      { type: "docker ps --format '{{.Names}}: {{.Ports}}'" },
    ],
    shows: ['exposed: 8000/tcp', 'published: 0.0.0.0:8000->8000/tcp'],
  },
];
