// Owns the types of a plan, made from the table of operations. Pure: no host, no Node.
import type { OP_TABLE } from './op-table.ts';

interface FieldTypes {
  U: number | bigint;
  S: string;
  L: readonly string[];
  N: readonly number[];
  B: Uint8Array;
}

type Table = typeof OP_TABLE;
export type OpKind = keyof Table;

type Fields<K extends OpKind> = {
  readonly [F in keyof Table[K]['fields']]: Table[K]['fields'][F] extends keyof FieldTypes
    ? FieldTypes[Table[K]['fields'][F]]
    : never;
};

/** One operation of kind K. */
export type OpOf<K extends OpKind> = { readonly kind: K } & Fields<K>;
/** Any operation. */
export type Op = { [K in OpKind]: OpOf<K> }[OpKind];

/** What a container's start is made of, in order. */
export type Plan = readonly Op[];

/** What a hook takes over besides what its operation says: bits of `from`, kFrom... in addon/init/ops_hook.cc. */
export const HOOK_FROM = {
  /** The environment of whoever called the runtime. */
  caller: 1,
  /** HOME, as setHome has found it. */
  home: 2,
  /** The rootfs as its directory. */
  rootfs: 4,
} as const;

/** Where init waits for the planner. */
export const AWAIT = { createRuntime: 1, start: 2, created: 3, born: 4 } as const;
export type AwaitPoint = keyof typeof AWAIT;
