// Owns JSON in which integers have all their digits: beyond 2^53 JSON.stringify writes the shortest text that reads back as the same
// number, and readers of 64-bit integers take that literally. Pure.

export function exactJson(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) return digits(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(exactJson).join(',')}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${exactJson(member)}`).join(',')}}`;
}

/** 2^64 stands for "no limit", which as a word of 64 bits is one less. */
function digits(value: number): string {
  return String(value === 2 ** 64 ? 2n ** 64n - 1n : BigInt(value));
}
