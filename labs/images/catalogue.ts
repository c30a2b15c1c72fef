// The image catalogue: what is present in every sandbox without pulling, real where a registry answers, else made from Debian's packages.

/** One image of the catalogue. */
export interface CatalogueImage {
  /** The name labs use: `python:3.13-slim`. */
  readonly ref: string;
  /** Other names the same content goes by, which a learner may just as well write. */
  readonly alsoTagged?: readonly string[];
  /** What is pulled where a registry answers. */
  readonly pull: string;
  /** Folder below labs/images with the stand-in's `Dockerfile`. Without one, the image is the base system itself. */
  readonly folder?: string;
  /** Dockerfile in that folder which adapts the real image after a pull; not verified where no registry can be reached. */
  readonly online?: string;
  /** How the stand-in differs from the real image, in one sentence a learner reads behind the badge. */
  readonly differs: string;
}

/** In the order they are built: an entry may stand on those before it. */
export const catalogue: readonly CatalogueImage[] = [
  {
    ref: 'debian:trixie-slim',
    pull: 'docker.io/library/debian:trixie-slim',
    differs: 'Made with debootstrap from the same packages; documentation and translations are left out.',
  },
  {
    ref: 'busybox',
    alsoTagged: ['busybox:1.37'],
    pull: 'docker.io/library/busybox:1.37',
    folder: 'busybox',
    differs: 'Debian’s static build of busybox 1.37, with the applets Debian turns on.',
  },
  {
    ref: 'python:3.13-slim',
    alsoTagged: ['python:3.13-slim-trixie'],
    pull: 'docker.io/library/python:3.13-slim-trixie',
    folder: 'python-3.13-slim',
    online: 'Dockerfile.online',
    differs:
      'Debian’s Python 3.13 in the layout of the official image, so there is a /usr/bin/python3 too; pip asks the lab’s own package index.',
  },
  {
    ref: 'postgres:17',
    alsoTagged: ['postgres:17-trixie'],
    pull: 'docker.io/library/postgres:17-trixie',
    folder: 'postgres-17',
    differs:
      'Debian’s PostgreSQL 17 with a start script of our own that keeps the official image’s promises; no JIT.',
  },
  {
    ref: 'nginx',
    alsoTagged: ['nginx:1.26'],
    pull: 'docker.io/library/nginx:1.26',
    folder: 'nginx',
    differs:
      'Debian’s nginx 1.26 (light build) with the official image’s paths; no dynamic modules, no automatic tuning of worker processes.',
  },
];
