// Owns the debug messages for mounts, whose words are fixed: readers of logs compare them to the letter. Pure.
import { cleanPath } from './paths.ts';
import type { Op } from './types.ts';

/** The messages of an operation, in order; none for one that mounts nothing. Numbers are plain decimals. */
export function mountMessages(op: Op): string[] {
  switch (op.kind) {
    case 'makeRootSlave':
      return [`mount root dest=/ flag=${op.flags}`];
    case 'bindRootfs':
      return [`mount rootfs dest=${op.path} source=${op.path} flag=20480 device=bind`];
    case 'mountFs':
      return [start(op, op.data.join(','), op.type), ...propagated(op.propagation, op.target)];
    case 'bindMount':
    case 'attachMount':
    case 'bindCgroup':
      return [start(op, '', 'bind'), ...propagated(op.propagation, op.target)];
    default:
      return [];
  }
}

interface Started {
  readonly target: string;
  readonly source: string;
  readonly msFlags: number | bigint;
  readonly propagation: readonly number[];
}

function start(op: Started, data: string, device: string): string {
  const propagation = `Propagationflags=[${op.propagation.join(' ')}]`;
  return `start mount dest=${cleanPath(op.target)} source=${op.source} flags=${op.msFlags} data=${data} device=${device} ${propagation}`;
}

function propagated(flags: readonly number[], target: string): string[] {
  return flags.map((flag) => `PropagationFlags flag=${flag} dest=${cleanPath(target)}`);
}
