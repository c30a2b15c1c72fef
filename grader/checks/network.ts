// Checks of a network by its name: what kind it is and who is on it.
import type { Check } from '../check.ts';
import type { NetworkFacts } from '../facts.ts';
import { listed } from './container-state.ts';
import { check, type Naming, worded } from './naming.ts';

export interface NetworkNaming extends Naming {
  /** Whether it must be cut off from everything outside itself. Not looked at unless given. */
  readonly internal?: boolean;
}

/** Checks of the network of that name. */
export function network(name: string) {
  return {
    /** There is such a network, of the learner's own making, and these running containers are on it. */
    joins(containers: readonly string[], naming: NetworkNaming): Check {
      const kind = naming.internal === true ? 'an internal network' : 'a network';
      const expected = `${kind} ${name} with ${listed(containers)} on it`;
      return check<NetworkFacts | undefined>({
        id: naming.id,
        title:
          naming.title ??
          `\`${name}\` is ${kind} with ${listed(containers.map((each) => `\`${each}\``))} on it`,
        needs: naming.needs ?? [],
        cost: 'inspect',
        probe: (scene) => scene.network(name),
        judge: (facts) => {
          const api = `GET /networks/${name}`;
          if (facts === undefined)
            return {
              status: 'fail',
              expected,
              actual: `there is no network named ${name}`,
              evidence: [{ api, field: 'status', value: 404 }],
              ...worded(naming, {
                why: 'On a network that you make yourself, the engine answers for the names of the containers on it. On the default one, `bridge`, it does not.',
                see: 'docker network ls',
              }),
            };
          const present = Object.values(facts.Containers)
            .map((each) => each.Name)
            .sort();
          const missing = containers.filter((each) => !present.includes(each));
          const open = naming.internal === true && !facts.Internal;
          if (missing.length === 0 && !open) return { status: 'pass', actual: `${name}: ${listed(present)}` };
          return {
            status: 'fail',
            expected,
            actual: [
              ...(open ? [`${name} is not internal: it has a way out`] : []),
              ...(missing.length > 0
                ? [`${listed(missing)} ${missing.length > 1 ? 'are' : 'is'} not on ${name}, or not running`]
                : []),
            ].join('; '),
            evidence: [
              { api, field: '.Internal', value: facts.Internal },
              { api, field: '.Containers[].Name', value: present },
            ],
            ...worded(naming, {
              why:
                naming.internal === true
                  ? 'An internal network has no way out: its containers reach each other and nothing else. That is decided when the network is made, and can’t be changed later.'
                  : 'Containers find each other by name on a network that they share. A stopped container is on none.',
              see: `docker network inspect -f 'internal: {{.Internal}}{{println}}{{range .Containers}}{{println .Name}}{{end}}' ${name}`,
            }),
          };
        },
      });
    },
  };
}
