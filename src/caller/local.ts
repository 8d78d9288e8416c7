// Owns the case in which this process is the caller itself: it starts, waits and prints, and it may block.
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { native, type ExitStatus, type NotifyEnds, type Report } from '../native/binding.ts';
import { readable } from '../native/readable.ts';
import { resolveFrom } from '../plan/paths.ts';
import { exitCode, type Caller, type Ending, type Foreground, type Launch } from './caller.ts';

export class LocalCaller implements Caller {
  readonly isThisProcess = true;
  readonly isGone = false;
  readonly pid = process.pid;
  readonly proc = '/proc/self';
  readonly environment = process.env;

  get cwd(): string {
    return process.cwd();
  }

  resolve(path: string): string {
    return resolveFrom(path.startsWith('/') ? '' : this.cwd, path);
  }

  resolveOutput(path: string): string {
    return this.resolve(path);
  }

  readText(path: string): string {
    return readFileSync(path, 'utf8');
  }

  readInput(): string {
    return readFileSync(0, 'utf8');
  }

  writeFile(path: string, text: string, options: { flag: 'w' | 'wx' | 'a'; mode: number }): void {
    writeFileSync(path, text, options);
  }

  print(stream: 1 | 2, text: string): void {
    writeSync(stream, text);
  }

  async launch(launch: Launch): Promise<number | undefined> {
    const pid = native().launch(launch);
    if (launch.flagsOfInit !== undefined) return pid;
    native().waitFor(pid);
    return undefined;
  }

  async receive(sync: number): Promise<Report | null> {
    return native().receive(sync);
  }

  async whenReadable(descriptor: number): Promise<void> {
    await readable(descriptor);
  }

  async waitFor(pid: number): Promise<ExitStatus> {
    return native().waitFor(pid);
  }

  async lock(path: string): Promise<number> {
    return native().lockDirectory(path);
  }

  own(): void {}

  prepareForeground({ subreaper }: { subreaper: boolean }): void {
    if (subreaper) native().becomeSubreaper();
    // Nothing may end us between the first thing that is made and the wait for the end: what comes meanwhile is forwarded then.
    native().holdSignals();
  }

  async supervise(foreground: Foreground, ending?: Ending): Promise<number> {
    const status = native().supervise(foreground);
    await ending?.finish();
    return exitCode(status);
  }

  async waitForReady(notify: NotifyEnds & { pid: number; pidfd: number }): Promise<void> {
    native().waitForReady(notify);
  }
}
