// What the engine tells of images, containers and networks, parsed: only the fields that checks read.
import { z } from 'zod';

/** Newer engines leave empty fields out: missing and empty mean the same. */
const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const table = z
  .record(z.string(), z.string())
  .nullish()
  .transform((record) => record ?? {});

export const imageFacts = z.object({
  Id: z.string(),
  RepoTags: texts,
  Size: z.number(),
  Config: z
    .object({
      User: z
        .string()
        .nullish()
        .transform((user) => user ?? ''),
      Env: texts,
      Cmd: texts,
      Entrypoint: texts,
      WorkingDir: z
        .string()
        .nullish()
        .transform((folder) => folder ?? ''),
      Labels: table,
    })
    .nullish()
    .transform(
      (config) => config ?? { User: '', Env: [], Cmd: [], Entrypoint: [], WorkingDir: '', Labels: {} },
    ),
  RootFS: z.object({ Layers: texts }),
  /** Where the layers lie beside the engine, for storage drivers that keep each in a folder. */
  GraphDriver: z.object({ Name: z.string().default(''), Data: table }).nullish(),
});
export type ImageFacts = z.output<typeof imageFacts>;

const portBinding = z.object({ HostIp: z.string().default(''), HostPort: z.string().default('') });

export const containerFacts = z.object({
  Id: z.string(),
  Name: z.string().transform((name) => name.replace(/^\//, '')),
  Image: z.string(),
  Created: z.string(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    ExitCode: z.number(),
    OOMKilled: z.boolean().default(false),
    Pid: z.number().default(0),
    StartedAt: z.string().default(''),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({
    Env: texts,
    Cmd: texts,
    Entrypoint: texts,
    Image: z.string().default(''),
    Labels: table,
    User: z.string().default(''),
    WorkingDir: z.string().default(''),
    Hostname: z.string().default(''),
  }),
  HostConfig: z.object({
    NetworkMode: z.string().default(''),
    Binds: texts,
    ExtraHosts: texts,
    Links: texts,
    Memory: z.number().default(0),
    RestartPolicy: z.object({ Name: z.string().default('') }).nullish(),
    PortBindings: z
      .record(z.string(), z.array(portBinding).nullish())
      .nullish()
      .transform((ports) => ports ?? {}),
  }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Name: z.string().default(''),
        Source: z.string().default(''),
        Destination: z.string(),
        RW: z.boolean().default(true),
      }),
    )
    .nullish()
    .transform((mounts) => mounts ?? []),
  NetworkSettings: z.object({
    Ports: z
      .record(z.string(), z.array(portBinding).nullish())
      .nullish()
      .transform((ports) => ports ?? {}),
    Networks: z
      .record(
        z.string(),
        z.object({
          IPAddress: z.string().default(''),
          NetworkID: z.string().default(''),
          Aliases: texts,
          DNSNames: texts,
        }),
      )
      .nullish()
      .transform((networks) => networks ?? {}),
  }),
});
export type ContainerFacts = z.output<typeof containerFacts>;

export const networkFacts = z.object({
  Id: z.string(),
  Name: z.string(),
  Driver: z.string(),
  Internal: z.boolean().default(false),
  Containers: z
    .record(z.string(), z.object({ Name: z.string().default(''), IPv4Address: z.string().default('') }))
    .nullish()
    .transform((containers) => containers ?? {}),
});
export type NetworkFacts = z.output<typeof networkFacts>;
