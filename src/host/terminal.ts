// Owns the question whether a process has a terminal. Asked of /proc, since the process may be the front of a planner.
import { readFileSync, statSync } from 'node:fs';
import { statFields } from './process.ts';

/** `proc`: /proc/PID. One of its standard streams is a terminal, or a terminal controls it, which it reaches as /dev/tty. */
export function hasTerminal(proc: string): boolean {
  const [, , , , controlling] = statFields(readFileSync(`${proc}/stat`, 'utf8'));
  if (controlling !== '0') return true;
  const majors = terminalMajors();
  return [0, 1, 2].some((stream) => {
    const found = statSync(`${proc}/fd/${stream}`, { throwIfNoEntry: false });
    return found?.isCharacterDevice() && majors.has((found.rdev >>> 8) & 0xfff);
  });
}

/** proc(5): a line is the driver's name, its directory, the major number, and more. */
function terminalMajors(): Set<number> {
  const lines = readFileSync('/proc/tty/drivers', 'utf8').split('\n');
  return new Set(lines.map((line) => Number(line.trim().split(/\s+/)[2])));
}
