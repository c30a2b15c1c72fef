// Where a container belongs: the networks it is on, and the names it goes by there. Asked of the engine alone.
import type { Check } from '../check.ts';
import type { ContainerFacts } from '../facts.ts';
import { field, listed, networksOf, notRunning } from './container-state.ts';
import { check, type Naming, worded } from './naming.ts';

export function belonging(name: string) {
  const see = `docker inspect -f '{{range $network, $_ := .NetworkSettings.Networks}}{{println $network}}{{end}}' ${name}`;

  return {
    /** It is running and on each of these networks; with `only`, on no other. */
    isOn(networks: readonly string[], naming: Naming & { readonly only?: boolean }): Check {
      const wanted = listed(networks.map((network) => `\`${network}\``));
      const plain = listed(networks);
      const expected =
        naming.only === true ? `${name} on ${plain} and on no other network` : `${name} on ${plain}`;
      return check<ContainerFacts | undefined>({
        id: naming.id,
        title: naming.title ?? `\`${name}\` is on ${wanted}${naming.only === true ? ' alone' : ''}`,
        needs: naming.needs ?? [],
        cost: 'inspect',
        probe: (scene) => scene.container(name),
        judge: (facts) => {
          const dead = notRunning(name, facts, expected);
          if (dead !== undefined) return dead;
          const actual = networksOf(facts);
          const missing = networks.filter((network) => !actual.includes(network));
          const surplus = naming.only === true ? actual.filter((network) => !networks.includes(network)) : [];
          if (missing.length === 0 && surplus.length === 0)
            return { status: 'pass', actual: `${name} is on ${listed(actual)}` };
          return {
            status: 'fail',
            expected,
            actual: `${name} is on ${listed(actual)}`,
            evidence: [field(name, '.NetworkSettings.Networks', actual)],
            ...worded(naming, {
              why: 'A container talks to those it shares a network with, and to nobody else by name. A container may be on several networks, and connecting it to one does not take it off another.',
              see,
            }),
          };
        },
      });
    },

    /** It goes by a second name of its own on each of these networks, so whoever joins them can use it. */
    hasAlias(alias: string, networks: readonly string[], naming: Naming): Check {
      const expected = `the name ${alias} for ${name} on ${listed(networks)}`;
      return check<ContainerFacts | undefined>({
        id: naming.id,
        title:
          naming.title ??
          `\`${alias}\` is a name of \`${name}\` on ${listed(networks.map((each) => `\`${each}\``))}`,
        needs: naming.needs ?? [],
        cost: 'inspect',
        probe: (scene) => scene.container(name),
        judge: (facts) => {
          const dead = notRunning(name, facts, expected);
          if (dead !== undefined) return dead;
          const endpoints = facts?.NetworkSettings.Networks ?? {};
          // Engines before 25 tell the names in Aliases only, later ones all that resolve in DNSNames.
          const names = (network: string) => [
            ...new Set([...(endpoints[network]?.DNSNames ?? []), ...(endpoints[network]?.Aliases ?? [])]),
          ];
          const lacking = networks.filter((network) => !names(network).includes(alias));
          if (lacking.length === 0) return { status: 'pass', actual: expected };
          const told = (network: string) =>
            endpoints[network] === undefined
              ? `${name} is not on ${network}`
              : `on ${network} it goes by ${listed(names(network).filter((each) => !facts?.Id.startsWith(each)))}`;
          return {
            status: 'fail',
            expected,
            actual: lacking.map(told).join('; '),
            evidence: networks.map((network) =>
              field(
                name,
                `.NetworkSettings.Networks.${network}.DNSNames`,
                endpoints[network]?.DNSNames ?? null,
              ),
            ),
            ...worded(naming, {
              why: 'An alias belongs to the connection between a container and one network. Everyone on that network can use it, today’s containers and tomorrow’s; an entry in one client’s own hosts file or a link helps that client alone.',
              see: `docker inspect -f '{{range $network, $endpoint := .NetworkSettings.Networks}}{{$network}}: {{$endpoint.Aliases}}{{println}}{{end}}' ${name}`,
              misconception: 'MC-NET-08',
            }),
          };
        },
      });
    },
  };
}
