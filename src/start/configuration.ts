// The configuration for a program of the command line: a wrong value ends it with the one sentence that says what was expected.
import { type Config, readConfig, WrongConfiguration } from '../server/config.ts';

/** Exit code of a program that was called with something it can't work with, as most tools have it. */
export const EXIT_WRONG_USE = 2;

export function configuration(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof WrongConfiguration)) throw error;
    console.error(error.message);
    process.exit(EXIT_WRONG_USE);
  }
}
