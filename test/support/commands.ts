// The commands of a runtime on a bundle, as tests call them.
import { execute, type Result } from './host.ts';
import { RUNTIME, type Bundle } from './bundle.ts';

/** A program that waits to be ended. */
export const WAITING = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done'];

export function call(bundle: Bundle, ...args: string[]): Result {
  return execute(RUNTIME, bundle.args(...args), { cwd: bundle.directory });
}

/** create keeps the caller's streams for the container: they go to files, or the test would wait for their end. */
export function create(bundle: Bundle, ...flags: string[]): Result {
  bundle.save();
  const line = `${RUNTIME} ${bundle.args('create', ...flags, bundle.id).join(' ')} </dev/null >out 2>err; echo $?; cat err`;
  const { stdout } = execute('bash', ['-c', line], { cwd: bundle.directory });
  const [status = '1', ...rest] = stdout.split('\n');
  return { status: Number(status), signal: null, stdout: '', stderr: rest.join('\n') };
}

export function state(bundle: Bundle): { status: string; pid: number; [key: string]: unknown } {
  return JSON.parse(call(bundle, 'state', bundle.id).stdout);
}
