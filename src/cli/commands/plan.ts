// tsrunc plan: what run would do, one line an operation. Needs no privilege and changes nothing.
import { createInput, planPlaces } from '../../container/create.ts';
import { checkId } from '../../container/id.ts';
import { readFacts } from '../../host/facts.ts';
import { loadBundle } from '../../oci/load-bundle.ts';
import { planCreate } from '../../plan/create.ts';
import { describeOp } from '../../plan/describe.ts';
import { OP_TABLE } from '../../plan/op-table.ts';
import type { Op } from '../../plan/types.ts';
import type { Context } from '../context.ts';

const DEFAULT_ID = 'container';

export async function plan(context: Context, [id = DEFAULT_ID]: readonly string[], options: object): Promise<number> {
  const { bundle: directory, pivot, format } = options as { bundle: string; pivot: boolean; format: 'text' | 'json' };
  checkId(id);
  const bundle = await loadBundle(context.caller, directory);
  const facts = readFacts(context.caller);
  const places = planPlaces({ id, bundle, cgroups: context.cgroups }, facts);
  const { plan: ops, warnings } = planCreate(createInput({ id, bundle, noPivot: !pivot }, facts, places));
  for (const warning of warnings) context.log.warn(warning);
  context.caller.print(1, format === 'json' ? json(ops) : text(ops));
  return 0;
}

function text(ops: readonly Op[]): string {
  const width = String(ops.length).length;
  return ops
    .map(
      (op, i) =>
        `${String(i + 1).padStart(width)} ${OP_TABLE[op.kind].stage.padEnd(6)} ${op.kind.padEnd(18)} ${describeOp(op)}\n`,
    )
    .join('');
}

function json(ops: readonly Op[]): string {
  const rows = ops.map((op) => ({ stage: OP_TABLE[op.kind].stage, ...op, description: describeOp(op) }));
  return `${JSON.stringify(rows, plainValue, 2)}\n`;
}

/** Words of 64 bits as decimal strings, bytes as their number. */
function plainValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value instanceof Uint8Array ? { bytes: value.length } : value;
}
