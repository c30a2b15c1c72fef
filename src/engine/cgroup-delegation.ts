// Hands a container's cgroups to its remapped root, so that the engine inside can divide them among its own containers.
import { chownSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CGROUP_ROOT = '/sys/fs/cgroup';

/** Files of a cgroup v1 directory that its owner needs besides the directory itself. Limits stay the outer engine's. */
const OWNED_V1 = ['cgroup.procs', 'tasks'];
/** The same on v2, as named by most kernels' /sys/kernel/cgroup/delegate. */
const OWNED_V2 = ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'];

/** The directories of a process's cgroups, from the text of its /proc/PID/cgroup. */
export function cgroupDirectories(text: string, root = CGROUP_ROOT): { directory: string; version: 1 | 2 }[] {
  const lines = text
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  const onlyV2 = lines.length === 1;
  return lines.flatMap((line): { directory: string; version: 1 | 2 }[] => {
    const [, controllers = '', ...rest] = line.split(':');
    const path = rest.join(':');
    // The container is at its own root as it sees it; from outside a real path is shown.
    if (path === '/' || path === '') return [];
    if (controllers === '') return [{ directory: join(root, onlyV2 ? '' : 'unified', path), version: 2 }];
    // `cpu,cpuacct` is mounted under its full name, and under each part by symlinks.
    return [{ directory: join(root, controllers.replace(/^name=/, ''), path), version: 1 }];
  });
}

/**
 * Gives the cgroups of the process `pid` to `owner` (uid and gid). Costs 2 ms; lost when the container restarts.
 * cgroup v1 is tested; v2 follows the kernel's list of delegatable files and is not verified on a v2 machine here.
 */
export function delegateCgroups(pid: number, owner: number): void {
  for (const { directory, version } of cgroupDirectories(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))) {
    if (!existsSync(directory)) continue;
    chownSync(directory, owner, owner);
    for (const file of version === 1 ? OWNED_V1 : delegatableFiles()) {
      const path = join(directory, file);
      if (existsSync(path)) chownSync(path, owner, owner);
    }
  }
}

function delegatableFiles(): string[] {
  const list = '/sys/kernel/cgroup/delegate';
  if (!existsSync(list)) return OWNED_V2;
  // Never the limit files, whatever a kernel lists: the sandbox must not raise its own limits.
  return readFileSync(list, 'utf8')
    .trim()
    .split('\n')
    .filter((name) => name.startsWith('cgroup.'));
}

/**
 * The same done by a container on the engine's machine, for an engine that is not ours or not here: the script and how to run it.
 * On v2 the helper must have a private cgroup namespace, or the host's mount loses `nsdelegate`.
 */
export function delegationHelper(pid: number, owner: number): { command: string[]; binds: string[] } {
  const script = [
    `while IFS=: read -r _ controllers path; do`,
    `  [ "$path" = / ] && continue`,
    `  name=\${controllers#name=}; directory=/cg/$name$path`,
    `  [ -n "$name" ] || { directory=/cg$path; [ -d "$directory" ] || directory=/cg/unified$path; }`,
    `  [ -d "$directory" ] || continue`,
    `  chown ${owner}:${owner} "$directory"`,
    `  for file in cgroup.procs tasks cgroup.threads cgroup.subtree_control; do`,
    `    [ -e "$directory/$file" ] && chown ${owner}:${owner} "$directory/$file"`,
    `  done`,
    `done < /proc/${pid}/cgroup; exit 0`,
  ].join('\n');
  return { command: ['/bin/sh', '-c', script], binds: [`${CGROUP_ROOT}:/cg`] };
}
