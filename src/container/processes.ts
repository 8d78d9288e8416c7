// Owns the list of a container's processes, read from /proc: no dependence on the host's ps(1).
import { readFileSync, statSync } from 'node:fs';
import { readUserName } from '../host/users.ts';

const CLOCK_TICKS = 100; // sysconf(_SC_CLK_TCK), fixed by the kernel's interface

interface Row {
  readonly uid: string;
  readonly pid: number;
  readonly ppid: number;
  readonly cpu: number;
  readonly start: string;
  readonly tty: string;
  readonly time: string;
  readonly command: string;
}

/** The table of `ps -ef` for these processes; those that end meanwhile are left out. */
export function processTable(pids: readonly number[]): string {
  const rows = pids.map(readRow).filter((row) => row !== undefined);
  const lines = rows.map(
    ({ uid, pid, ppid, cpu, start, tty, time, command }) =>
      `${uid.padEnd(8)} ${pad(pid)} ${pad(ppid)} ${String(cpu).padStart(2)} ${start.padStart(5)} ${tty.padEnd(8)} ${time} ${command}`,
  );
  return ['UID          PID    PPID  C STIME TTY          TIME CMD', ...lines].map((line) => `${line}\n`).join('');
}

const pad = (pid: number) => String(pid).padStart(7);

function readRow(pid: number): Row | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const { uid } = statSync(`/proc/${pid}`);
    const ticks = (fields[11] ?? 0) + (fields[12] ?? 0);
    const started = Date.now() / 1000 - uptime() + (fields[19] ?? 0) / CLOCK_TICKS;
    const age = Math.max(1, Date.now() / 1000 - started);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').replaceAll('\0', ' ');
    return {
      uid: readUserName(uid) ?? String(uid),
      pid,
      ppid: fields[1] ?? 0,
      cpu: Math.min(99, Math.floor((ticks / CLOCK_TICKS / age) * 100)),
      start: clock(new Date(started * 1000)),
      tty: ttyName(fields[4] ?? 0),
      time: duration(Math.floor(ticks / CLOCK_TICKS)),
      command: command === '' ? `[${name}]` : command,
    };
  } catch {
    return undefined;
  }
}

function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

/** Today's time, or the day. */
function clock(date: Date): string {
  const isToday = date.toDateString() === new Date().toDateString();
  const two = (n: number) => String(n).padStart(2, '0');
  if (isToday) return `${two(date.getHours())}:${two(date.getMinutes())}`;
  return `${date.toLocaleString('en', { month: 'short' })}${two(date.getDate())}`;
}

/** tty_nr of proc_pid_stat(5); pseudoterminals have majors from 136. */
function ttyName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${minor + (major - 136) * 256}`;
  return major === 4 ? `tty${minor}` : '?';
}

function duration(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
