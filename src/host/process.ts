// Owns what /proc says of one process: its state and when it started. A pid alone may be another process by now.
import { readFileSync } from 'node:fs';

export interface ProcessStat {
  /** One letter of proc_pid_stat(5): R, S, D, Z, T, X. */
  readonly state: string;
  /** Clock ticks after boot; with the pid it names a process for ever. */
  readonly startTime: number;
}

/** Undefined when there is no such process. */
export function readProcess(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // ENOENT, or ESRCH when it ends while we read
  }
  // The name, in parentheses, may hold anything; the fields count from the last parenthesis.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '?', startTime: Number(fields[19]) };
}

/** Whether the process with this pid and start time still runs; a zombie does not. */
export function isAlive(pid: number, startTime: number): boolean {
  const stat = readProcess(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X';
}
