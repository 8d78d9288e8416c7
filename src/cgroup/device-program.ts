// Owns the device rules of cgroup v2: a BPF program of type cgroup_device that the kernel asks at each mknod and open.
// The kernel's admin-guide/cgroup-v2, Device controller; struct bpf_cgroup_dev_ctx of linux/bpf.h. Pure: bytes out of rules.
import type { DeviceRule } from '../oci/types.ts';
import { ALWAYS_ALLOWED_RULES } from './resources-v1.ts';

// Instruction classes and codes, linux/bpf_common.h and linux/bpf.h.
const LDX_W = 0x61;
const ALU32_AND_K = 0x54;
const ALU32_RSH_K = 0x74;
const MOV64_REG = 0xbf;
const MOV64_K = 0xb7;
const JMP_JNE_K = 0x55;
const JMP32_JNE_REG = 0x5e;
const JMP_EXIT = 0x95;

// Registers: 1 comes with the context.
const [R0, R1, R2, R3, R4, R5] = [0, 1, 2, 3, 4, 5] as const;
/** Scratch for "what of the asked access is in the rule". */
const R6 = 6;

const ACCESS = { m: 1, r: 2, w: 4 } as const;
const ALL_ACCESS = 7;
const TYPES = { b: 1, c: 2 } as const;
const SIZE = 8;

type Instruction = readonly [code: number, destination: number, source: number, offset: number, immediate: number];

/**
 * The rules as a program. The last rule that names a device decides, so they are asked in reverse; what none names is denied.
 * An access is allowed by a rule that allows all of it, and denied by one that denies any of it.
 */
export function planDeviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const instructions: Instruction[] = [
    // access_type: device type in the low 16 bits, access in the high
    [LDX_W, R2, R1, 0, 0],
    [ALU32_AND_K, R2, 0, 0, 0xffff],
    [LDX_W, R3, R1, 0, 0],
    [ALU32_RSH_K, R3, 0, 0, 16],
    [LDX_W, R4, R1, 4, 0],
    [LDX_W, R5, R1, 8, 0],
  ];
  for (const rule of [...rules, ...ALWAYS_ALLOWED_RULES].reverse()) {
    const block = ruleBlock(rule);
    instructions.push(...block);
    if (isForAll(rule)) return encode(instructions); // nothing is asked behind a rule that answers everything
  }
  return encode([...instructions, [MOV64_K, R0, 0, 0, 0], [JMP_EXIT, 0, 0, 0, 0]]);
}

function isForAll(rule: DeviceRule): boolean {
  return (rule.type ?? 'a') === 'a' && accessOf(rule) === ALL_ACCESS;
}

function accessOf(rule: DeviceRule): number {
  if ((rule.type ?? 'a') === 'a' && !rule.access) return ALL_ACCESS;
  return [...(rule.access || 'rwm')].reduce((mask, letter) => mask | (ACCESS[letter as keyof typeof ACCESS] ?? 0), 0);
}

/** The tests of one rule, each of which jumps behind the block when it does not hold, and the answer. */
function ruleBlock(rule: DeviceRule): Instruction[] {
  const tests: ((skip: number) => Instruction[])[] = [];
  const type = rule.type ?? 'a';
  if (type === 'b' || type === 'c') tests.push((skip) => [[JMP_JNE_K, R2, 0, skip, TYPES[type]]]);
  const access = accessOf(rule);
  if (access !== ALL_ACCESS) tests.push((skip) => accessTest(access, rule.allow, skip));
  const { major, minor } = rule;
  // With type "a" the kernel of v1 takes no numbers either.
  if (type !== 'a' && major != null && major >= 0) tests.push((skip) => [[JMP_JNE_K, R4, 0, skip, major]]);
  if (type !== 'a' && minor != null && minor >= 0) tests.push((skip) => [[JMP_JNE_K, R5, 0, skip, minor]]);
  const answer: Instruction[] = [
    [MOV64_K, R0, 0, 0, rule.allow ? 1 : 0],
    [JMP_EXIT, 0, 0, 0, 0],
  ];
  let length = answer.length;
  let block: Instruction[] = answer;
  for (const test of tests.reverse()) {
    block = [...test(length), ...block];
    length = block.length;
  }
  return block;
}

/** R6 = asked & access. Allowing needs all of what is asked, denying any of it. */
function accessTest(access: number, allow: boolean, skip: number): Instruction[] {
  const mask: Instruction[] = [
    [MOV64_REG, R6, R3, 0, 0],
    [ALU32_AND_K, R6, 0, 0, access],
  ];
  if (allow) return [...mask, [JMP32_JNE_REG, R6, R3, skip, 0]];
  const JMP_JEQ_K = 0x15;
  return [...mask, [JMP_JEQ_K, R6, 0, skip, 0]];
}

function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * SIZE);
  const view = new DataView(bytes.buffer);
  instructions.forEach(([code, destination, source, offset, immediate], i) => {
    view.setUint8(i * SIZE, code);
    view.setUint8(i * SIZE + 1, destination | (source << 4));
    view.setInt16(i * SIZE + 2, offset, true);
    view.setInt32(i * SIZE + 4, immediate | 0, true);
  });
  return bytes;
}
