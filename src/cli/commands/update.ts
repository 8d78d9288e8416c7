// tsrunc update: new limits for a container, from options or from JSON.
import { parseMemory, parseNumber } from '../quantities.ts';
import { updateContainer } from '../../container/update.ts';
import { SpecError, UsageError } from '../../errors.ts';
import { parseJson, readJson } from '../../oci/json.ts';
import type { Resources } from '../../oci/types.ts';
import { validatePart } from '../../oci/validate.ts';
import type { Context } from '../context.ts';

type Flags = Readonly<Record<string, string | undefined>>;

export async function update(context: Context, [id = '']: readonly string[], options: object): Promise<number> {
  // An option without a value is as if it was not given; as runc.
  const given = Object.entries(options as Flags).filter(([, value]) => value !== '');
  const flags = Object.fromEntries(given) as Flags;
  if (flags['l3CacheSchema'] !== undefined || flags['memBwSchema'] !== undefined)
    throw new UsageError(`Intel RDT: container ${id} has no linux.intelRdt`);
  const { resources: file } = flags;
  const resources = file === undefined ? fromFlags(flags) : await fromFile(context, id, file);
  await updateContainer(context.runtime, id, resources);
  return 0;
}

async function fromFile(context: Context, id: string, file: string): Promise<Resources> {
  const document =
    file === '-'
      ? parseJson(context.caller.readInput(), 'standard input')
      : readJson(context.resolve(file), context.caller);
  if (document.value === null) return {}; // what an encoder of Go's makes of no limits at all
  const faults = await validatePart(context.store.load(id).config, '/linux/resources', document);
  if (faults.length > 0) throw new SpecError(file === '-' ? 'standard input' : file, faults);
  return document.value as Resources;
}

function fromFlags(flags: Flags): Resources {
  const number = (name: string) => parseNumber(`--${name}`, flags[camel(name)]);
  const memory = (name: string) => parseMemory(`--${name}`, flags[camel(name)]);
  return (
    clean({
      cpu: clean({
        period: number('cpu-period'),
        quota: number('cpu-quota'),
        burst: number('cpu-burst'),
        shares: number('cpu-share'),
        idle: number('cpu-idle'),
        realtimePeriod: number('cpu-rt-period'),
        realtimeRuntime: number('cpu-rt-runtime'),
        cpus: flags['cpusetCpus'],
        mems: flags['cpusetMems'],
      }),
      memory: clean({
        limit: memory('memory'),
        reservation: memory('memory-reservation'),
        swap: memory('memory-swap'),
      }),
      blockIO: clean({ weight: number('blkio-weight') }),
      pids: clean({ limit: number('pids-limit') }),
    }) ?? {}
  );
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Without what is undefined; undefined when nothing is left. */
function clean(object: Record<string, unknown>): object | undefined {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
