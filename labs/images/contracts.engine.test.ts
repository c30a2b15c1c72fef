// What the images of the catalogue promise, whether it was pulled or made here: checks and labs may count on this and on nothing else.
import { describe, expect, test } from 'vitest';
import { openTestSandbox } from '../../src/engine/testing.ts';
import { catalogue } from './catalogue.ts';
import { contractGround, POLL, variable } from './contract-ground.ts';

const { attempt, config, docker, folderWith, logs, started, stopped } = contractGround(openTestSandbox);

test('every image of the catalogue is there under each of its names, and a stand-in says that it is one', async () => {
  for (const entry of catalogue) {
    const id = await docker('image', 'inspect', '--format', '{{.Id}}', entry.ref);
    for (const name of entry.alsoTagged ?? []) {
      expect(await docker('image', 'inspect', '--format', '{{.Id}}', name), name).toBe(id);
    }
    const labels = (await config(entry.ref)).Labels ?? {};
    if (labels['lab.standin'] === undefined) continue;
    expect(labels['lab.standin']).toBe('true');
    expect(labels['lab.standin.for']).toContain(entry.ref.split(':')[0]);
    expect(labels['lab.standin.differs']?.length).toBeGreaterThan(20);
  }
});

test('debian:trixie-slim is Debian 13 with apt, bash and root, and without tools that slim leaves out', async () => {
  expect(await config('debian:trixie-slim')).toMatchObject({ Cmd: ['bash'], User: '', WorkingDir: '' });
  const script =
    '. /etc/os-release; echo $ID $VERSION_CODENAME; id -u; command -v apt-get bash; command -v curl python3 gcc';
  const { stdout } = await attempt('run', '--rm', 'debian:trixie-slim', 'bash', '-c', script);
  expect(stdout.trim().split('\n')).toEqual(['debian trixie', '0', '/usr/bin/apt-get', '/usr/bin/bash']);
});

test('busybox is a shell and its applets in /bin, small enough to be free', async () => {
  expect(await config('busybox')).toMatchObject({ Cmd: ['sh'], Entrypoint: null, User: '' });
  const applets = 'sh ls cat env id nc ping wget httpd nslookup ip sleep tar vi ps top mount chmod'.split(
    ' ',
  );
  const found = await docker('run', '--rm', 'busybox', 'sh', '-c', `cd /bin && ls -d ${applets.join(' ')}`);
  expect(found.split('\n')).toHaveLength(applets.length);
  expect(await docker('run', '--rm', 'busybox', '/usr/bin/env', 'echo', 'found')).toBe('found');
  expect(await docker('run', '--rm', '--user', 'nobody', 'busybox', 'id', '-u')).toBe('65534');
  expect((await attempt('run', '--rm', 'busybox', 'sh', '-c', 'exit 7')).exitCode).toBe(7);
  expect(Number(await docker('image', 'inspect', '--format', '{{.Size}}', 'busybox'))).toBeLessThan(6e6);
});

describe('nginx', () => {
  /** The body of a page, asked for inside the container's own network by a busybox beside it. */
  const page = async (container: string, path = '/'): Promise<string> => {
    const url = `http://127.0.0.1${path}`;
    return (
      await attempt('run', '--rm', '--network', `container:${container}`, 'busybox', 'wget', '-qO-', url)
    ).stdout;
  };

  test('serves its welcome page on 80 as uid 101, logs to the container’s streams, and stops without a fault', async () => {
    const about = await config('nginx');
    expect(about).toMatchObject({
      Cmd: ['nginx', '-g', 'daemon off;'],
      Entrypoint: ['/docker-entrypoint.sh'],
      StopSignal: 'SIGQUIT',
      User: '',
    });
    expect(Object.keys(about.ExposedPorts ?? {})).toEqual(['80/tcp']);
    await using server = await started('nginx');
    await expect.poll(async () => await page(server.id), POLL).toContain('Welcome to nginx!');
    await page(server.id, '/nothing-here');
    await expect.poll(async () => await logs(server.id), POLL).toMatch(/"GET \/ HTTP\/1\.1" 200/);
    expect(await logs(server.id)).toContain('Configuration complete; ready for start up');
    expect(await logs(server.id)).toContain('/usr/share/nginx/html/nothing-here');
    expect(await docker('exec', server.id, 'id', '-u', 'nginx')).toBe('101');
    const workers =
      'for p in /proc/[0-9]*; do grep -qs "[n]ginx: worker" $p/cmdline && stat -c %u $p; done | sort -u';
    expect(await docker('exec', server.id, 'sh', '-c', workers)).toBe('101');
    const version = await attempt('exec', server.id, 'nginx', '-v');
    expect(version.stderr).toContain(`nginx/${variable(about, 'NGINX_VERSION')}`);
    expect(await stopped(server.id)).toBe(0);
  });

  test('serves what is mounted over its pages and sites, and fills in templates', async () => {
    const html = await folderWith('html', { 'index.html': { text: 'orchard' } });
    const sites = await folderWith('templates', {
      'extra.conf.template': {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: nginx’s template, not ours
        text: 'server { listen ${PORT}; location / { return 200 "$host ${PORT}"; } }',
      },
    });
    const scripts = await folderWith('entry', {
      '99-note.sh': { text: '#!/bin/sh\necho "ran before nginx"\n', mode: '755' },
    });
    await using server = await started(
      ...[
        '--env',
        'PORT=8080',
        '--volume',
        `${html}:/usr/share/nginx/html:ro`,
        '--volume',
        `${sites}:/etc/nginx/templates:ro`,
      ],
      ...['--volume', `${scripts}/99-note.sh:/docker-entrypoint.d/99-note.sh:ro`, 'nginx'],
    );
    await expect.poll(async () => await page(server.id), POLL).toBe('orchard');
    expect(await page(server.id, ':8080/')).toBe('127.0.0.1 8080');
    expect(await logs(server.id)).toContain('ran before nginx');
  });

  test('runs another command as it is, and says where a mistake in a site lies', async () => {
    const broken = await folderWith('broken', { 'default.conf': { text: 'server { listn 80; }' } });
    const words = ['run', '--rm', '--volume', `${broken}:/etc/nginx/conf.d:ro`, 'nginx', 'nginx', '-t'];
    const { exitCode, stderr } = await attempt(...words);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('unknown directive "listn" in /etc/nginx/conf.d/default.conf:1');
    expect(await docker('run', '--rm', 'nginx', 'echo', 'hello')).toBe('hello');
  });
});
