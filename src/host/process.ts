// Owns what /proc says of one process: its state and when it started. A pid alone may be another process by now.
import { readFileSync } from 'node:fs';

export interface ProcessStat {
  /** Of the program that it has executed last, or what it calls itself; at most 15 bytes. */
  readonly name: string;
  /** One letter of proc_pid_stat(5): R, S, D, Z, T, X. */
  readonly state: string;
  readonly parent: number;
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
  const fields = statFields(text);
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  return { name, state: fields[0] ?? '?', parent: Number(fields[1]), startTime: Number(fields[19]) };
}

/** The fields of proc_pid_stat(5) from the state on. The name before them, in parentheses, may hold anything. */
export function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A process and no later one of the same pid. */
export function birthOf(pid: number): { pid: number; startTime: number } {
  return { pid, startTime: readProcess(pid)?.startTime ?? 0 };
}

/** Whether the process with this pid and start time still runs; a zombie does not. */
export function isAlive(pid: number, startTime: number): boolean {
  const stat = readProcess(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X';
}

/** The kernel closes descriptors a moment before it names the program, begin_new_exec() of fs/exec.c. */
const NAMING_MS = 20;

/** Whether a process has ended under this name, and not as a program that it executed. One that is reaped cannot be asked. */
export function hasEndedAs(name: string, { pid, startTime }: { pid: number; startTime: number }): boolean {
  const until = Date.now() + NAMING_MS;
  do {
    const found = readProcess(pid);
    if (found === undefined || found.startTime !== startTime || found.name !== name) return false;
    if (found.state === 'Z' || found.state === 'X') return true;
  } while (Date.now() < until);
  return false;
}
