// The lab of lesson L07: four containers that know each other by name, each only as far as it must, and a database that may move.

import { container } from '../../grader/checks/container.ts';
import { POSTGRES } from '../../grader/checks/container-publishing.ts';
import { service } from '../../grader/checks/moved-service.ts';
import { network } from '../../grader/checks/network.ts';
import { defineLab } from '../../grader/index.ts';

const postgres = container('postgres');
const loader = container('loader');
const api = container('api');
const nginx = container('nginx');

/** Every container that is not on an internal network alone reaches this: the lab machine itself, with the package index. */
const OUTSIDE = { ip: '198.18.0.1', port: 3141 };

/** What the API says of itself, whether or not it finds its database: enough to know that the way to it is open. */
const fromTheApi = {
  expected: 'an answer of the API',
  test: (body: string) => /"service": ?"orders"/.test(body),
};
const batches = { expected: 'the number of batches', test: (body: string) => /"batches": ?\d+/.test(body) };

export default defineLab({
  id: 'wire-the-pipeline',
  title: 'Wire the pipeline',
  goal: 'Four containers that find each other by name, let in only whom they must, and keep working when the database moves.',
  minutes: 40,
  lesson: 'networks-dns-and-ports',
  images: ['postgres:17', 'python:3.13-slim', 'nginx', 'busybox'],
  tasks: [
    {
      id: 'names',
      title: 'Let the loader find the database by its name',
      points: 3,
      hints: [
        'Read the last line of the loader’s log. Which host does it try, and who answers to that name inside the loader’s container?',
        'On the default network the engine answers for nobody’s name. On a network that you made, it answers for every container there, by the name you gave it.',
        'Make a network `data` and put both containers on it; a running container can be connected to another network. The loader reads `DB_HOST` from its environment, which is settled when a container is made, so the loader has to be made again.',
      ],
      checks: [
        network('data').joins(['postgres'], {
          id: 'data.network',
          title: 'There is a network `data` with `postgres` on it',
        }),
        loader.resolves('postgres', { id: 'loader.resolves', to: 'postgres' }),
        loader.worksWith('postgres', 5432, {
          id: 'loader.loads',
          title: '`loader` puts its batches into `postgres` on port 5432',
          expected: 'the loader connected to postgres:5432, and “batch …” as the last line of its log',
          says: /^batch \d+: /,
          needs: ['loader.resolves'],
        }),
      ],
    },
    {
      id: 'port',
      title: 'Let the host in to the API',
      points: 2,
      hints: [
        'Two things stand in the way: one outside the container, one inside. `docker port api` shows the first, the first line of its log the second.',
        'A published port is carried to the container’s address on its network. A program that listens on 127.0.0.1 listens on the container’s own loopback, where nothing from outside ever arrives.',
        'Make the container again, on `data`: with port 8000 published, with `BIND` set to the address that stands for all addresses, and with the name of the database in `DB_HOST`.',
      ],
      checks: [
        api.publishes(8000, { id: 'api.published', as: 8000 }),
        api.listensToOthers(8000, { id: 'api.listens' }),
        api.answersTheHost(8000, batches, { id: 'api.answers', needs: ['api.published', 'api.listens'] }),
      ],
    },
    {
      id: 'loopback',
      title: 'Let your own tools in to Postgres, and nobody else’s',
      points: 2,
      hints: [
        'What does `docker port` say of a port that was published without an address?',
        'In front of the two port numbers you may name the address of the machine that the port is bound to. Without one, it is bound to all of them.',
        'Postgres has to be made again, with port 5432 published as 15432 of 127.0.0.1. Its orders are in the volume `orchard-data`, so give the new container the same volume.',
      ],
      checks: [
        postgres.greetsTheHost(15_432, POSTGRES, { id: 'postgres.on-loopback' }),
        postgres.keepsToLoopback(5432, { id: 'postgres.not-elsewhere', needs: ['postgres.on-loopback'] }),
      ],
    },
    {
      id: 'isolation',
      title: 'Keep the edge away from the data',
      points: 4,
      hints: [
        'Write down for each container with whom it has to talk. Each such pair needs a network in common; any other pair must have none.',
        'A container may be on several networks at once, and connecting it to one does not take it off another. Whether a network is internal is decided when it is made.',
        'The API stands on `edge` and `data`, Postgres on `data` and `batch`, nginx on `edge` alone and the loader on `batch` alone, which you make internal. Take nginx off the default network too. It looks up the API only when it starts, so start it last.',
      ],
      checks: [
        api.isOn(['data', 'edge'], { id: 'api.networks' }),
        nginx.isOn(['edge'], { id: 'nginx.networks', only: true }),
        nginx.answersTheHost(8080, fromTheApi, {
          id: 'nginx.forwards',
          path: '/alive',
          title: '`http://localhost:8080/alive` answers, through `nginx`, with the API’s words',
          why: 'nginx looks its upstream up when it starts and ends if it can’t find it; later it keeps the address it found. It needs a network with the API on it, and a start after the API is there.',
        }),
        nginx.cannotReach('postgres', 5432, {
          id: 'nginx.kept-away',
          control: { to: 'api', port: 8000 },
          needs: ['nginx.forwards'],
        }),
        network('batch').joins(['loader', 'postgres'], { id: 'batch.internal', internal: true }),
        loader.staysInside({ to: 'postgres', port: 5432 }, OUTSIDE, {
          id: 'loader.confined',
          peer: 'api',
          needs: ['batch.internal'],
        }),
      ],
    },
    {
      id: 'alias',
      title: 'Give the database a name that outlives its container',
      points: 3,
      hints: [
        'Next month another container will be the database. Which name in your commands would then have to change, and in how many places?',
        'A container can have further names on a network. They belong to its connection with that network, and are given when it is connected, or made.',
        'Postgres needs the alias `warehouse` on `data` and on `batch`: disconnect it from each and connect it again with the alias. Then make the loader and the API again with `warehouse` as their `DB_HOST`, each on its networks, and start nginx anew.',
      ],
      checks: [
        postgres.hasAlias('warehouse', ['data', 'batch'], { id: 'warehouse.alias' }),
        loader.resolves('warehouse', { id: 'warehouse.loader', to: 'postgres', misconception: 'MC-NET-08' }),
        api.resolves('warehouse', { id: 'warehouse.api', to: 'postgres', misconception: 'MC-NET-08' }),
        service('warehouse', 5432).isFoundAfterMoving({
          id: 'warehouse.moves',
          by: ['api', 'loader'],
          title: '`api` and `loader` find `warehouse` again after it moved to another address',
          needs: ['warehouse.alias'],
        }),
      ],
    },
  ],
  mutants: [
    {
      name: 'hard-coded-address',
      title: 'The loader is given the address that Postgres has today.',
      fails: ['warehouse.moves'],
    },
    {
      name: 'name-of-the-container',
      title: 'There is an alias, but the loader still asks for the container’s name.',
      fails: ['warehouse.moves'],
    },
    {
      name: 'hosts-entry-over-the-alias',
      title: 'The loader’s hosts file holds an address that shadows the alias.',
      fails: ['warehouse.moves'],
    },
    {
      name: 'hosts-entry',
      title: 'The name is written into each client’s hosts file instead of given to Postgres.',
      fails: ['warehouse.alias', 'warehouse.api', 'warehouse.loader'],
    },
    {
      name: 'link',
      title: 'Each client has a link of its own instead of a name that everyone can use.',
      fails: ['warehouse.alias'],
    },
    {
      name: 'alias-on-one-network',
      title: 'The alias is on `data` only, and the loader is on `batch`.',
      fails: ['loader.loads', 'warehouse.alias', 'warehouse.loader'],
    },
    {
      name: 'loader-on-the-host',
      title: 'The loader uses the network of the host, and the published port.',
      fails: ['loader.resolves', 'batch.internal', 'warehouse.loader', 'warehouse.moves'],
    },
    {
      name: 'loader-on-the-default-bridge',
      title: 'The loader is left on the default network and given the right name.',
      fails: ['loader.resolves', 'batch.internal', 'warehouse.loader', 'warehouse.moves'],
    },
    {
      name: 'loader-asks-itself',
      title: 'In the loader, `localhost` is taken for the machine.',
      fails: ['loader.loads', 'warehouse.moves'],
    },
    {
      name: 'published-port-inside',
      title: 'The published port is used between containers.',
      fails: ['loader.loads', 'warehouse.moves'],
    },
    {
      name: 'another-name-for-data',
      title: 'The network is not called `data`.',
      fails: ['data.network', 'api.networks', 'warehouse.alias'],
    },
    {
      name: 'api-on-the-host',
      title: 'The API uses the network of the host, so no port has to be published.',
      fails: ['api.published', 'api.networks', 'nginx.forwards', 'warehouse.api', 'warehouse.moves'],
    },
    {
      name: 'listens-to-itself',
      title: 'The port is published, but the API listens on its own loopback.',
      fails: ['api.listens', 'nginx.forwards'],
    },
    {
      name: 'ports-swapped',
      title: 'Another port than the one the API listens on is published.',
      fails: ['api.published'],
    },
    {
      name: 'api-asks-itself',
      title: 'The API looks for the database in its own container.',
      fails: ['api.answers', 'warehouse.moves'],
    },
    {
      name: 'not-published',
      title: 'Postgres is on the networks only; the machine can’t get in.',
      fails: ['postgres.on-loopback'],
    },
    {
      name: 'open-to-everyone',
      title: 'Postgres is published on every address of the machine.',
      fails: ['postgres.not-elsewhere'],
    },
    {
      name: 'second-port-open',
      title: 'Beside the port on loopback, another one is open to everyone.',
      fails: ['postgres.not-elsewhere'],
    },
    {
      name: 'one-network',
      title: 'Everything is on one network.',
      fails: ['api.networks', 'nginx.networks', 'nginx.kept-away', 'batch.internal', 'warehouse.alias'],
    },
    {
      name: 'nginx-on-both',
      title: 'nginx is on `data` as well, so that it “sees everything”.',
      fails: ['nginx.networks', 'nginx.kept-away'],
    },
    {
      name: 'database-on-the-edge',
      title: 'Postgres is connected to `edge` too.',
      fails: ['nginx.kept-away'],
    },
    { name: 'batch-not-internal', title: '`batch` is an ordinary network.', fails: ['batch.internal'] },
    {
      name: 'loader-with-a-way-out',
      title: 'The loader is on `batch`, and still on `data`.',
      fails: ['loader.confined'],
    },
  ],
});
