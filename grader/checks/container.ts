// Checks of a container by its name: what it is connected to, what it publishes, whom it reaches and whom it doesn't.
import { belonging } from './container-belonging.ts';
import { publishing } from './container-publishing.ts';
import { reaching } from './container-reaching.ts';

/** Checks of the container of that name. Its own programs are never asked to judge it. */
export function container(name: string) {
  return { ...belonging(name), ...publishing(name), ...reaching(name) };
}
