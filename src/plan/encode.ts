// Owns the bytes of a plan: header, records, one pool. addon/plan/plan.h draws the format and reads it. Pure.
import { InternalError } from '../errors.ts';
import { OP_TABLE, type FieldKind } from './op-table.ts';
import type { Op, Plan } from './types.ts';

const MAGIC = 0x50525354; // "TSRP"
export const PLAN_VERSION = 1;
const HEADER_SIZE = 32;
const REPORT_EVERY_OP = 1;
const STAGES = { parent: 0, init: 1 } as const;

const utf8 = new TextEncoder();

/** A field of 8 bytes as two halves, low first: plain numbers, because BigInt costs a start a millisecond. */
type Field = readonly [low: number, high: number];

/** Grows by doubling; every entry that is asked for comes at a multiple of 8 only where it must. */
class Pool {
  #bytes = new Uint8Array(8192);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;
  readonly #known = new Map<string, Field>();

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  string(text: string): Field {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0'))
      throw new InternalError(`a string with a zero byte reached the plan: ${JSON.stringify(text)}`);
    const encoded = utf8.encode(text);
    const reference: Field = [this.#append(encoded, 1), encoded.length];
    this.#known.set(text, reference);
    return reference;
  }

  bytesOf(data: Uint8Array): Field {
    this.#align();
    return [this.#append(data, 0), data.length];
  }

  list(values: readonly Field[]): Field {
    this.#align();
    const offset = this.#reserve(values.length * 8);
    values.forEach((value, i) => setField(this.#view, offset + i * 8, value));
    return [offset, values.length];
  }

  #align(): void {
    this.#reserve((8 - (this.#size % 8)) % 8);
  }

  #append(data: Uint8Array, zeros: number): number {
    const offset = this.#reserve(data.length + zeros);
    this.#bytes.set(data, offset);
    return offset;
  }

  #reserve(size: number): number {
    const offset = this.#size;
    this.#size += size;
    if (this.#size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#size, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return offset;
  }
}

const WORD = 2 ** 32;

function setField(view: DataView, at: number, [low, high]: Field): void {
  view.setUint32(at, low, true);
  view.setUint32(at + 4, high, true);
}

/** Two's complement for what is negative (a nice value). */
function halves(value: number | bigint): Field {
  if (typeof value === 'number' && value >= 0) return [value % WORD, Math.floor(value / WORD)];
  const bits = BigInt.asUintN(64, BigInt(value));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

function encodeField(pool: Pool, kind: FieldKind, value: unknown): Field {
  switch (kind) {
    case 'U':
      return halves(value as number | bigint);
    case 'S':
      return pool.string(value as string);
    case 'L':
      return pool.list((value as readonly string[]).map((text) => pool.string(text)));
    case 'N':
      return pool.list((value as readonly number[]).map(halves));
    case 'B':
      return pool.bytesOf(value as Uint8Array);
  }
}

function fieldsOf(op: Op, pool: Pool): Field[] {
  const values = op as unknown as Record<string, unknown>;
  const { fields } = OP_TABLE[op.kind] as { fields: Record<string, FieldKind> };
  const encoded: Field[] = [];
  for (const name in fields) encoded.push(encodeField(pool, fields[name] as FieldKind, values[name]));
  return encoded;
}

/** The plan as the helper reads it. With reportEveryOp it tells of each operation that is done. */
export function encodePlan(plan: Plan, options: { reportEveryOp: boolean }): Uint8Array {
  const pool = new Pool();
  const records = plan.map((op) => fieldsOf(op, pool));
  const recordsSize = records.reduce((size, fields) => size + 8 + fields.length * 8, 0);
  const poolOffset = HEADER_SIZE + recordsSize;
  const bytes = new Uint8Array(poolOffset + pool.bytes.length);
  const view = new DataView(bytes.buffer);
  const header = [
    MAGIC,
    PLAN_VERSION,
    bytes.length,
    plan.length,
    HEADER_SIZE,
    poolOffset,
    pool.bytes.length,
    options.reportEveryOp ? REPORT_EVERY_OP : 0,
  ];
  header.forEach((word, i) => view.setUint32(i * 4, word, true));
  let at = HEADER_SIZE;
  plan.forEach((op, i) => {
    const fields = records[i] ?? [];
    view.setUint16(at, OP_TABLE[op.kind].code, true);
    view.setUint8(at + 2, STAGES[OP_TABLE[op.kind].stage]);
    view.setUint32(at + 4, fields.length, true);
    fields.forEach((field, j) => setField(view, at + 8 + j * 8, field));
    at += 8 + fields.length * 8;
  });
  bytes.set(pool.bytes, poolOffset);
  return bytes;
}
