// Owns what a rule is: a look at a whole configuration that gives faults. Pure.
import type { Fault } from '../../errors.ts';
import type { Config } from '../types.ts';

/** Never called with a document that breaks the schema. */
export type Rule = (config: Config) => readonly Fault[];

export function fault(pointer: string, section: string, rule: string, found: unknown): Fault {
  return { pointer, section, rule, found: found === undefined ? 'nothing' : JSON.stringify(found) };
}
