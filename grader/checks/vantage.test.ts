// What the probes' output means: names, sockets, batches of answers, and how long to be patient.
import { describe, expect, it } from 'vitest';
import { containerFacts } from '../facts.ts';
import { answersIn } from './lookout.ts';
import { addressesIn, addressesOf, patienceWith, socketsIn } from './vantage.ts';

const container = (parts: { startedAt?: string; networks?: Record<string, { IPAddress: string }> }) =>
  containerFacts.parse({
    Id: 'f87c5e0e39d1',
    Name: '/postgres',
    Image: 'sha256:295643843fa3',
    Created: '2026-11-21T09:10:00Z',
    State: { Status: 'running', Running: true, ExitCode: 0, StartedAt: parts.startedAt ?? '' },
    Config: {},
    HostConfig: {},
    NetworkSettings: { Networks: parts.networks ?? {} },
  });

describe('the answer of a name server', () => {
  it('is the addresses of the name, not the address of the server itself', () => {
    const said =
      'Server:\t\t127.0.0.11\nAddress:\t127.0.0.11:53\n\nNon-authoritative answer:\nName:\tpostgres\nAddress: 172.18.0.2\nName:\tpostgres\nAddress: 172.18.0.9\n\n';
    expect(addressesIn(said)).toEqual(['172.18.0.2', '172.18.0.9']);
  });

  it('is empty for a name that nobody knows', () => {
    expect(
      addressesIn(
        "Server:\t\t127.0.0.11\nAddress:\t127.0.0.11:53\n\n** server can't find postgres: NXDOMAIN\n\n",
      ),
    ).toEqual([]);
  });

  it('is empty where there is no name server', () => {
    expect(addressesIn('')).toEqual([]);
  });
});

describe('the kernel’s table of sockets', () => {
  const row = (local: string, remote: string, state: string) =>
    `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 399976 1 00000000e25c83c2 100 0 0 10 0`;

  it('tells where a program listens, and to whom it is connected', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      row('0100007F:1F40', '00000000:0000', '0A'),
      row('030012AC:940A', '020012AC:1538', '06'),
    ].join('\n');
    expect(socketsIn(table)).toEqual([
      { local: { ip: '127.0.0.1', port: 8000 }, remote: { ip: '0.0.0.0', port: 0 }, listening: true },
      {
        local: { ip: '172.18.0.3', port: 37_898 },
        remote: { ip: '172.18.0.2', port: 5432 },
        listening: false,
      },
    ]);
  });

  it('leaves out a connection that is only being tried, as its other end may not exist', () => {
    expect(socketsIn(row('030012AC:940A', '020012AC:1538', '02'))).toEqual([]);
  });

  it('tells an IPv6 socket that listens to everyone, and one that listens to itself', () => {
    const any = row('00000000000000000000000000000000:1F40', '00000000000000000000000000000000:0000', '0A');
    const own = row('00000000000000000000000001000000:1F40', '00000000000000000000000000000000:0000', '0A');
    expect(socketsIn(`${any}\n${own}`).map((socket) => socket.local.ip)).toEqual(['0.0.0.0', '::1']);
  });

  it('tells an IPv4 address in IPv6 clothes as IPv4', () => {
    const mapped = row(
      '0000000000000000FFFF0000020012AC:1538',
      '0000000000000000FFFF0000030012AC:940A',
      '01',
    );
    expect(socketsIn(mapped)[0]?.remote.ip).toBe('172.18.0.3');
  });
});

describe('a batch of answers', () => {
  it('is told apart by number, in whatever order they land', () => {
    expect([...answersIn('1 b3Blbg==\n0 \nnoise\n')]).toEqual([
      [1, 'open'],
      [0, ''],
    ]);
  });
});

describe('a container', () => {
  it('is given time only if it was started a moment ago', () => {
    expect(patienceWith(container({ startedAt: new Date().toISOString() }))).toBeGreaterThan(0);
    expect(patienceWith(container({ startedAt: '2026-01-01T00:00:00Z' }), undefined)).toBe(0);
  });

  it('has one address on each network, and none where it is stopped or uses the host’s', () => {
    const networks = {
      data: { IPAddress: '172.18.0.2' },
      batch: { IPAddress: '172.20.0.2' },
      host: { IPAddress: '' },
    };
    expect(addressesOf(container({ networks }))).toEqual(['172.18.0.2', '172.20.0.2']);
  });
});
