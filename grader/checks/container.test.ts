// Judges of containers and networks, on literal evidence: what passes, what fails and with which words, what proves nothing.
import { describe, expect, it } from 'vitest';
import type { Check, Verdict } from '../check.ts';
import { containerFacts, networkFacts } from '../facts.ts';
import { container } from './container.ts';
import { POSTGRES } from './container-publishing.ts';
import { service } from './moved-service.ts';
import { network } from './network.ts';

type Ports = Record<string, { HostIp: string; HostPort: string }[]>;
type Networks = Record<string, { IPAddress: string; DNSNames?: string[] }>;

const facts = (
  name: string,
  parts: { running?: boolean; ports?: Ports; networks?: Networks; hosts?: string[] } = {},
) =>
  containerFacts.parse({
    Id: 'f87c5e0e39d1aa',
    Name: `/${name}`,
    Image: 'sha256:295643843fa3',
    Created: '2026-11-21T09:10:00Z',
    State: {
      Status: parts.running === false ? 'exited' : 'running',
      Running: parts.running !== false,
      ExitCode: parts.running === false ? 1 : 0,
    },
    Config: { Env: ['DB_HOST=172.18.0.2', 'PATH=/bin'] },
    HostConfig: { ExtraHosts: parts.hosts ?? [] },
    NetworkSettings: {
      Ports: parts.ports ?? {},
      Networks: parts.networks ?? { data: { IPAddress: '172.18.0.2' } },
    },
  });

/** The judge takes what its own probe gives; here that is written down by hand. */
const judged = (check: Check, observation: unknown): Verdict => check.judge(observation);
const actualOf = (verdict: Verdict) => (verdict.status === 'fail' ? verdict.actual : verdict.status);

const postgres = container('postgres');
const loader = container('loader');
const nginx = container('nginx');

describe('resolves', () => {
  const check = loader.resolves('postgres', { id: 'a', to: 'postgres' });
  const target = facts('postgres', { networks: { data: { IPAddress: '172.18.0.2' } } });

  it('passes if the answer is an address of the target', () => {
    expect(judged(check, { facts: facts('loader'), target, answers: ['172.18.0.2'] }).status).toBe('pass');
  });

  it('fails if the name leads somewhere else', () => {
    expect(actualOf(judged(check, { facts: facts('loader'), target, answers: ['10.0.0.9'] }))).toBe(
      'in loader, postgres is 10.0.0.9, which is no address of postgres (172.18.0.2)',
    );
  });

  it('says which networks the two are on if nobody knows the name', () => {
    const apart = facts('loader', { networks: { bridge: { IPAddress: '172.17.0.2' } } });
    expect(actualOf(judged(check, { facts: apart, target, answers: [] }))).toBe(
      'in loader, nobody knows the name postgres; loader is on bridge, postgres on data: they share no network',
    );
  });

  it('says that the container is not there before anything else', () => {
    expect(actualOf(judged(check, { facts: undefined, target, answers: [] }))).toBe(
      'there is no container named loader',
    );
    expect(actualOf(judged(check, { facts: facts('loader', { running: false }), target, answers: [] }))).toBe(
      'container loader is not running (exited, exit code 1)',
    );
  });
});

describe('worksWith', () => {
  const check = loader.worksWith('postgres', 5432, { id: 'a', says: /^batch \d+/ });
  const socket = {
    local: { ip: '172.18.0.3', port: 40_000 },
    remote: { ip: '172.18.0.2', port: 5432 },
    listening: false,
  };
  const seen = { facts: facts('loader'), target: facts('postgres') };

  it('passes with a connection to the target and words of success', () => {
    expect(judged(check, { ...seen, sockets: [socket], lastWords: 'batch 7: 12 orders' }).status).toBe(
      'pass',
    );
  });

  it('fails on words of success without a connection, which anyone can print', () => {
    expect(judged(check, { ...seen, sockets: [], lastWords: 'batch 7: 12 orders' }).status).toBe('fail');
  });

  it('fails on a connection that the program itself calls a failure, and repeats its words', () => {
    const lastWords = 'could not load: password authentication failed';
    expect(actualOf(judged(check, { ...seen, sockets: [socket], lastWords }))).toBe(lastWords);
  });
});

describe('cannotReach', () => {
  const check = nginx.cannotReach('postgres', 5432, { id: 'a', control: { to: 'api', port: 8000 } });
  const seen = { facts: facts('nginx'), target: facts('postgres'), resolved: [] };
  const silent = [{ ip: '172.18.0.2', outcome: 'silent' }];

  it('passes if nothing gets through and the control does', () => {
    expect(judged(check, { ...seen, control: 'open', attempts: silent }).status).toBe('pass');
  });

  it('proves nothing if the control does not get through either', () => {
    expect(judged(check, { ...seen, control: 'refused', attempts: silent }).status).toBe('blocked');
    expect(judged(check, { ...seen, control: 'absent', attempts: [] }).status).toBe('blocked');
  });

  it('fails on one open address, with or without a name', () => {
    const verdict = judged(check, {
      ...seen,
      control: 'open',
      attempts: [{ ip: '172.18.0.2', outcome: 'open' }],
    });
    expect(actualOf(verdict)).toBe('a connection to 172.18.0.2:5432 came through');
  });

  it('fails on a name alone', () => {
    expect(
      actualOf(judged(check, { ...seen, resolved: ['172.18.0.2'], control: 'open', attempts: silent })),
    ).toBe('in nginx, postgres is 172.18.0.2');
  });
});

describe('staysInside', () => {
  const check = loader.staysInside(
    { to: 'postgres', port: 5432 },
    { ip: '198.18.0.1', port: 3141 },
    { id: 'a', peer: 'api' },
  );
  const seen = { facts: facts('loader', { networks: { batch: { IPAddress: '172.20.0.3' } } }) };

  it('passes if the work gets through, the outside does not, and a peer shows that the outside is there', () => {
    expect(judged(check, { ...seen, inside: 'open', outside: 'unreachable', peer: 'open' }).status).toBe(
      'pass',
    );
  });

  it('fails if the outside is reached', () => {
    expect(actualOf(judged(check, { ...seen, inside: 'open', outside: 'open', peer: 'open' }))).toBe(
      'a connection from loader to 198.18.0.1:3141 came through; loader is on batch',
    );
  });

  it('proves nothing if the loader reaches nobody at all, or nobody reaches the outside', () => {
    expect(judged(check, { ...seen, inside: 'refused', outside: 'unreachable', peer: 'open' }).status).toBe(
      'blocked',
    );
    expect(judged(check, { ...seen, inside: 'open', outside: 'unreachable', peer: 'silent' }).status).toBe(
      'blocked',
    );
  });
});

describe('keepsToLoopback', () => {
  const check = postgres.keepsToLoopback(5432, { id: 'a' });
  const bound = (ip: string) =>
    facts('postgres', { ports: { '5432/tcp': [{ HostIp: ip, HostPort: '15432' }] } });
  const refused = [{ ip: '198.18.0.1', port: 15_432, outcome: 'refused' }];

  it('passes if it is bound to loopback and refused elsewhere', () => {
    expect(judged(check, { facts: bound('127.0.0.1'), attempts: refused, control: 'open' }).status).toBe(
      'pass',
    );
  });

  it('fails on a binding to all addresses, which an empty address means too', () => {
    for (const ip of ['0.0.0.0', '', '::'])
      expect(judged(check, { facts: bound(ip), attempts: refused, control: 'open' }).status).toBe('fail');
  });

  it('fails on a connection that comes through, whatever the binding says', () => {
    const attempts = [{ ip: '198.18.0.1', port: 15_432, outcome: 'open' }];
    expect(actualOf(judged(check, { facts: bound('127.0.0.1'), attempts, control: 'open' }))).toBe(
      'it is bound to 127.0.0.1:15432, and a connection to 198.18.0.1:15432 came through',
    );
  });

  it('proves nothing if the port does not answer on loopback either', () => {
    expect(judged(check, { facts: bound('127.0.0.1'), attempts: refused, control: 'refused' }).status).toBe(
      'blocked',
    );
  });
});

describe('greetsTheHost', () => {
  const check = postgres.greetsTheHost(15_432, POSTGRES, { id: 'a' });

  it('passes on either of Postgres’ answers and fails on any other', () => {
    for (const reply of ['N', 'S'])
      expect(judged(check, { facts: facts('postgres'), reply }).status).toBe('pass');
    expect(actualOf(judged(check, { facts: facts('postgres'), reply: 'HTTP/1.1 400' }))).toBe(
      'something else answers: HTTP/1.1 400',
    );
    expect(actualOf(judged(check, { facts: facts('postgres'), reply: '' }))).toBe(
      'nothing answers on 127.0.0.1:15432',
    );
  });
});

describe('listensToOthers', () => {
  const check = container('api').listensToOthers(8000, { id: 'a' });
  const on = (ip: string) => [
    { local: { ip, port: 8000 }, remote: { ip: '0.0.0.0', port: 0 }, listening: true },
  ];

  it('passes on all addresses or an address of its own, and fails on loopback', () => {
    expect(judged(check, { facts: facts('api'), listening: on('0.0.0.0') }).status).toBe('pass');
    expect(judged(check, { facts: facts('api'), listening: on('172.18.0.3') }).status).toBe('pass');
    expect(actualOf(judged(check, { facts: facts('api'), listening: on('127.0.0.1') }))).toBe(
      'it listens on 127.0.0.1:8000 only',
    );
    expect(judged(check, { facts: facts('api'), listening: on('::1') }).status).toBe('fail');
  });
});

describe('publishes', () => {
  const check = container('api').publishes(8000, { id: 'a', as: 8000 });

  it('fails on another port of the container under the right number, and says which', () => {
    const ports = { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8000' }] };
    expect(actualOf(judged(check, facts('api', { ports })))).toBe('port 80/tcp published as 8000');
    expect(actualOf(judged(check, facts('api')))).toBe('api publishes no port');
  });
});

describe('belonging', () => {
  const both = facts('api', {
    networks: { data: { IPAddress: '172.18.0.3' }, edge: { IPAddress: '172.19.0.2' } },
  });

  it('takes further networks for right unless it is asked for these alone', () => {
    expect(judged(container('api').isOn(['data'], { id: 'a' }), both).status).toBe('pass');
    expect(actualOf(judged(container('api').isOn(['data'], { id: 'a', only: true }), both))).toBe(
      'api is on data and edge',
    );
    expect(judged(container('api').isOn(['data', 'batch'], { id: 'a' }), both).status).toBe('fail');
  });

  it('wants an alias on each of the networks', () => {
    const check = postgres.hasAlias('warehouse', ['data', 'batch'], { id: 'a' });
    const endpoint = (...DNSNames: string[]) => ({ IPAddress: '172.18.0.2', DNSNames });
    const full = { data: endpoint('postgres', 'warehouse'), batch: endpoint('postgres', 'warehouse') };
    expect(judged(check, facts('postgres', { networks: full })).status).toBe('pass');
    const half = { data: endpoint('postgres', 'warehouse'), batch: endpoint('postgres', 'f87c5e0e39d1') };
    expect(actualOf(judged(check, facts('postgres', { networks: half })))).toBe(
      'on batch it goes by postgres',
    );
  });
});

describe('network', () => {
  const made = (Internal: boolean, ...names: string[]) =>
    networkFacts.parse({
      Id: 'n',
      Name: 'batch',
      Driver: 'bridge',
      Internal,
      Containers: Object.fromEntries(names.map((Name) => [Name, { Name }])),
    });
  const check = network('batch').joins(['loader', 'postgres'], { id: 'a', internal: true });

  it('wants it internal, with everyone on it', () => {
    expect(judged(check, made(true, 'loader', 'postgres')).status).toBe('pass');
    expect(actualOf(judged(check, made(false, 'loader')))).toBe(
      'batch is not internal: it has a way out; postgres is not on batch, or not running',
    );
    expect(actualOf(judged(check, undefined))).toBe('there is no network named batch');
  });
});

describe('a service that moved', () => {
  const check = service('warehouse', 5432).isFoundAfterMoving({ id: 'a', by: ['api', 'loader'] });
  const copy = (name: string, called: boolean) => ({
    name,
    facts: facts(name),
    called,
    lastWords: called ? '' : 'Network is unreachable',
  });

  it('wants every copy to call, and shows where the others were sent', () => {
    expect(judged(check, [copy('api', true), copy('loader', true)]).status).toBe('pass');
    const verdict = judged(check, [copy('api', true), copy('loader', false)]);
    expect(actualOf(verdict)).toBe('a copy of loader did not call there; it said: Network is unreachable');
    expect(verdict.status === 'fail' && verdict.evidence[0]?.value).toEqual(['DB_HOST=172.18.0.2']);
  });
});
