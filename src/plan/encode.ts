// Owns the bytes of a plan: header, records, one pool. addon/plan/plan.h draws the format and reads it. Pure.
import { InternalError } from '../errors.ts';
import { OP_TABLE, type FieldKind } from './op-table.ts';
import type { Op, Plan } from './types.ts';

const MAGIC = 0x50525354; // "TSRP"
export const PLAN_VERSION = 1;
const HEADER_SIZE = 32;
const REPORT_EVERY_OP = 1;
const STAGES = { parent: 0, init: 1 } as const;

const WORD = 2 ** 32;

/** Records and lists are made of 64-bit fields: two words each, low first. Plain numbers, because BigInt costs a start a millisecond. */
class Fields {
  #words: Uint32Array;
  #size = 0;

  /** `count`: how many are likely. */
  constructor(count: number) {
    this.#words = new Uint32Array(2 * count);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.#size * 4);
  }

  push(low: number, high: number): void {
    if (this.#size + 2 > this.#words.length) {
      const larger = new Uint32Array(this.#words.length * 2 + 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[this.#size++] = low;
    this.#words[this.#size++] = high;
  }

  /** Two's complement for what is negative (a nice value). */
  pushNumber(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.push(value % WORD, Math.floor(value / WORD));
      return;
    }
    const bits = BigInt.asUintN(64, BigInt(value));
    this.push(Number(bits & 0xffffffffn), Number(bits >> 32n));
  }
}

/** Strings, each once, bytes, and lists of fields. Grows by doubling. */
class Pool {
  #bytes = Buffer.alloc(16384);
  #size = 0;
  /** Where a string is, and how long. */
  readonly #known = new Map<string, readonly [number, number]>();

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  string(text: string): readonly [number, number] {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0'))
      throw new InternalError(`a string with a zero byte reached the plan: ${JSON.stringify(text)}`);
    this.#ensure(text.length * 3 + 1);
    const written = this.#bytes.write(text, this.#size);
    const place = [this.#size, written] as const;
    this.#size += written + 1;
    this.#known.set(text, place);
    return place;
  }

  /** Aligned, as lists must be. */
  append(data: Uint8Array): number {
    this.#size += (8 - (this.#size % 8)) % 8;
    this.#ensure(data.length);
    const offset = this.#size;
    this.#bytes.set(data, offset);
    this.#size += data.length;
    return offset;
  }

  #ensure(size: number): void {
    if (this.#size + size <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(this.#size + size, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }
}

function encodeField(records: Fields, pool: Pool, kind: FieldKind, value: unknown): void {
  switch (kind) {
    case 'U':
      return records.pushNumber(value as number | bigint);
    case 'S':
      return records.push(...pool.string(value as string));
    case 'L':
    case 'N': {
      const values = value as readonly (string | number | bigint)[];
      const list = new Fields(values.length);
      for (const item of values)
        if (typeof item === 'string') list.push(...pool.string(item));
        else list.pushNumber(item);
      return records.push(pool.append(list.bytes), values.length);
    }
    case 'B':
      return records.push(pool.append(value as Uint8Array), (value as Uint8Array).length);
  }
}

const SHAPES = new Map<string, readonly (readonly [string, FieldKind])[]>();

/** The fields of a kind of operation, looked up once. */
function shapeOf(kind: Op['kind']): readonly (readonly [string, FieldKind])[] {
  let shape = SHAPES.get(kind);
  if (shape === undefined) {
    shape = Object.entries(OP_TABLE[kind].fields as Record<string, FieldKind>);
    SHAPES.set(kind, shape);
  }
  return shape;
}

/** The plan as the helper reads it. With reportEveryOp it tells of each operation that is done. */
export function encodePlan(plan: Plan, options: { reportEveryOp: boolean }): Uint8Array {
  const pool = new Pool();
  const records = new Fields(plan.length * 8);
  for (const op of plan) {
    const { code, stage } = OP_TABLE[op.kind];
    const shape = shapeOf(op.kind);
    records.push(code | (STAGES[stage] << 16), shape.length);
    for (const [name, kind] of shape)
      encodeField(records, pool, kind, (op as unknown as Record<string, unknown>)[name]);
  }
  const poolOffset = HEADER_SIZE + records.bytes.length;
  const bytes = new Uint8Array(poolOffset + pool.bytes.length);
  const flags = options.reportEveryOp ? REPORT_EVERY_OP : 0;
  const size = bytes.length;
  const header = [MAGIC, PLAN_VERSION, size, plan.length, HEADER_SIZE, poolOffset, pool.bytes.length, flags];
  bytes.set(new Uint8Array(Uint32Array.from(header).buffer), 0);
  bytes.set(records.bytes, HEADER_SIZE);
  bytes.set(pool.bytes, poolOffset);
  return bytes;
}
