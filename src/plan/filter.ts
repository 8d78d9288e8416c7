// Owns what a compiled seccomp filter answers to a call: its program is read as the kernel runs it, seccomp(2) and bpf's
// networking/filter.txt. Pure.

/** A call, as struct seccomp_data has it. */
export interface FilteredCall {
  readonly architecture: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

const ALLOW = 0x7fff0000;
const LOG = 0x7ffc0000;

/** Whether the call is carried out. False also for what this does not understand. */
export function isAllowed(program: Uint8Array, call: FilteredCall): boolean {
  const answer = answerOf(program, call);
  return answer === ALLOW || answer === LOG;
}

const SIZE = 8; // struct sock_filter: u16 code, u8 jt, u8 jf, u32 k
const [LOAD, AND, JUMP, RETURN] = [0x20, 0x54, 0x05, 0x06];
const CONDITIONS: Readonly<Record<number, (a: number, k: number) => boolean>> = {
  0x15: (a, k) => a === k,
  0x25: (a, k) => a > k,
  0x35: (a, k) => a >= k,
  0x45: (a, k) => (a & k) !== 0,
};

/** The answer, SECCOMP_RET_*; undefined for what libseccomp does not make. */
export function answerOf(program: Uint8Array, call: FilteredCall): number | undefined {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = dataOf(call);
  let accumulator = 0;
  for (let at = 0; at + SIZE <= program.byteLength; at += SIZE) {
    const code = view.getUint16(at, true);
    const k = view.getUint32(at + 4, true);
    const condition = CONDITIONS[code];
    if (condition !== undefined) at += view.getUint8(at + (condition(accumulator, k) ? 2 : 3)) * SIZE;
    else if (code === LOAD && k + 4 <= data.byteLength) accumulator = data.getUint32(k, true);
    else if (code === AND) accumulator = (accumulator & k) >>> 0;
    else if (code === JUMP) at += k * SIZE;
    else return code === RETURN ? k : undefined;
  }
  return undefined;
}

/** struct seccomp_data: number, architecture, instruction pointer, six arguments. */
function dataOf({ architecture, number, args = [] }: FilteredCall): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  args.forEach((arg, i) => data.setBigUint64(16 + 8 * i, arg, true));
  return data;
}
