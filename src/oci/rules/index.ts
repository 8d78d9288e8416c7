// Owns the list of rules. Each topic is a file beside this one.
import { idMapRules } from './id-maps.ts';
import { mountRules } from './mounts.ts';
import { namespaceRules } from './namespaces.ts';
import { processRules } from './process.ts';
import type { Rule } from './rule.ts';
import { seccompRules } from './seccomp.ts';
import { rootRules } from './root.ts';
import { unsupportedRules } from './unsupported.ts';

export const RULES: readonly Rule[] = [
  rootRules,
  processRules,
  namespaceRules,
  idMapRules,
  mountRules,
  seccompRules,
  unsupportedRules,
];
