// Owns the text of GVariant, in which annotations give properties of a unit: parsed, and made into a D-Bus signature and a value.
// https://docs.gtk.org/glib/gvariant-text-format.html; the types of D-Bus only (no `just`, no `nothing`). Pure.

/** As the addon takes it: integers are bigint, bytes Uint8Array, a variant is [signature, value], every container an array. */
export type DBusValue = string | boolean | number | bigint | Uint8Array | readonly DBusValue[];

export interface Typed {
  readonly signature: string;
  readonly value: DBusValue;
}

/** Undefined for what is no value. */
export function parseVariant(text: string): Typed | undefined {
  try {
    const node = new Parser(text).parse();
    const signature = typeOf(node);
    return { signature, value: valueOf(node, signature) };
  } catch (error) {
    if (error instanceof NoValue) return undefined;
    throw error;
  }
}

class NoValue extends Error {}

function refuse(): never {
  throw new NoValue();
}

type Node =
  | { readonly kind: 'boolean' | 'number' | 'string'; readonly text: string }
  | { readonly kind: 'array' | 'tuple' | 'dictionary' | 'entry'; readonly items: readonly Node[] }
  | { readonly kind: 'bytes'; readonly text: string }
  | { readonly kind: 'variant'; readonly inner: Node }
  | { readonly kind: 'typed'; readonly signature: string; readonly inner: Node };

const KEYWORDS: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
};

const MAX_DEPTH = 32; // as D-Bus

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Node {
    const node = this.#value();
    this.#take(/\s*/y);
    return this.#at === this.#text.length ? node : refuse();
  }

  #value(): Node {
    if (++this.#depth > MAX_DEPTH) refuse();
    this.#take(/\s+/y);
    const node = this.#prefixed() ?? this.#container() ?? this.#basic();
    this.#depth--;
    return node;
  }

  /** "@au [1]", "uint64 7". */
  #prefixed(): Node | undefined {
    const annotated = this.#take(/@([a-z(){}]+)\s/y)?.[1];
    if (annotated !== undefined && completeType(annotated, 0) !== annotated.length) refuse();
    const keyword = annotated === undefined ? this.#take(/([a-z]+[0-9]*)\s+(?=[^\s,\]})>:])/y)?.[1] : undefined;
    const signature = annotated ?? (keyword === undefined ? undefined : (KEYWORDS[keyword] ?? refuse()));
    return signature === undefined ? undefined : { kind: 'typed', signature, inner: this.#value() };
  }

  #container(): Node | undefined {
    if (this.#take(/\[/y)) return { kind: 'array', items: this.#items(/\]/y, () => this.#value()) };
    if (this.#take(/\(/y)) return { kind: 'tuple', items: this.#items(/\)/y, () => this.#value()) };
    if (this.#take(/\{/y)) return { kind: 'dictionary', items: this.#items(/\}/y, () => this.#entry()) };
    if (!this.#take(/</y)) return undefined;
    const inner = this.#value();
    return this.#take(/\s*>/y) ? { kind: 'variant', inner } : refuse();
  }

  #items(end: RegExp, one: () => Node): Node[] {
    const items: Node[] = [];
    for (;;) {
      this.#take(/\s+/y);
      if (this.#take(end)) return items;
      items.push(one());
      if (!this.#take(/\s*,/y)) return this.#take(/\s*/y) && this.#take(end) ? items : refuse();
    }
  }

  #entry(): Node {
    const key = this.#value();
    if (!this.#take(/\s*:/y)) refuse();
    return { kind: 'entry', items: [key, this.#value()] };
  }

  #basic(): Node {
    const bytes = this.#take(/b(?='|")/y) !== undefined;
    const quoted = this.#take(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/sy);
    if (quoted !== undefined) return { kind: bytes ? 'bytes' : 'string', text: unescape(quoted[1] ?? quoted[2] ?? '') };
    const truth = this.#take(/(?:true|false)\b/y)?.[0];
    if (truth !== undefined) return { kind: 'boolean', text: truth };
    const number = this.#take(
      /[+-]?(?:0[xX][\da-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)/y,
    )?.[0];
    return number === undefined ? refuse() : { kind: 'number', text: number };
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function unescape(text: string): string {
  return text.replaceAll(
    /\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs,
    (_, u?: string, long?: string, one?: string) => {
      if (one !== undefined) return ESCAPES[one] ?? one;
      const point = Number.parseInt(u ?? long ?? '', 16);
      return point <= 0x10ffff ? String.fromCodePoint(point) : refuse();
    },
  );
}

/** Where the complete type that begins at `at` ends; a signature of D-Bus, without maybe types. */
export function completeType(signature: string, at: number): number {
  const type = signature[at];
  if (type === undefined) refuse();
  if (type === 'a') return completeType(signature, at + 1);
  if (type !== '(' && type !== '{') return 'bynqiuxtdsogv'.includes(type) ? at + 1 : refuse();
  const end = type === '(' ? ')' : '}';
  let next = at + 1;
  while (signature[next] !== end) next = completeType(signature, next);
  return next + 1;
}

/** The complete types in a row of them. */
function partsOf(signature: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = completeType(signature, at);
    parts.push(signature.slice(at, end));
    at = end;
  }
  return parts;
}

/** What a value is without any word on it: 32-bit integers, doubles where there is a point. */
function typeOf(node: Node): string {
  switch (node.kind) {
    case 'typed':
      return node.signature;
    case 'boolean':
      return 'b';
    case 'string':
      return 's';
    case 'bytes':
      return 'ay';
    case 'variant':
      return 'v';
    case 'number':
      return isFloat(node.text) ? 'd' : 'i';
    case 'tuple':
      return `(${node.items.map(typeOf).join('')})`;
    case 'entry':
      return `{${node.items.map(typeOf).join('')}}`;
    case 'array':
    case 'dictionary': {
      // One typed item is enough for all of them.
      const [first] = node.items;
      if (first === undefined) return refuse();
      return `a${typeOf(node.items.find((item) => item.kind === 'typed') ?? node.items.find(isFloatNode) ?? first)}`;
    }
  }
}

function isFloat(text: string): boolean {
  return !/^[+-]?0x/i.test(text) && /[.en]/i.test(text);
}

function isFloatNode(node: Node): boolean {
  return node.kind === 'number' && isFloat(node.text);
}

function valueOf(node: Node, signature: string): DBusValue {
  const type = signature[0] ?? '';
  const inner = signature.slice(1, -1);
  switch (node.kind) {
    case 'typed':
      return node.signature === signature ? valueOf(node.inner, signature) : refuse();
    case 'boolean':
      return signature === 'b' ? node.text === 'true' : refuse();
    case 'string':
      return ['s', 'o', 'g'].includes(signature) ? node.text : refuse();
    case 'bytes':
      return signature === 'ay' ? Buffer.from(`${node.text}\0`) : refuse();
    case 'variant':
      return signature === 'v' ? [typeOf(node.inner), valueOf(node.inner, typeOf(node.inner))] : refuse();
    case 'number':
      return numberOf(node.text, signature);
    case 'tuple':
      return type === '(' ? together(node.items, partsOf(inner)) : refuse();
    case 'entry':
      return type === '{' ? together(node.items, partsOf(inner)) : refuse();
    case 'array':
      return type === 'a'
        ? bytesOrList(
            node.items.map((item) => valueOf(item, signature.slice(1))),
            signature,
          )
        : refuse();
    case 'dictionary':
      return signature.startsWith('a{') ? node.items.map((item) => valueOf(item, signature.slice(1))) : refuse();
  }
}

function together(items: readonly Node[], parts: readonly string[]): DBusValue[] {
  return items.length === parts.length ? items.map((item, i) => valueOf(item, parts[i] ?? '')) : refuse();
}

function bytesOrList(values: readonly DBusValue[], signature: string): DBusValue {
  return signature === 'ay' ? Uint8Array.from(values, Number) : values;
}

/** Bits, and whether there is a sign. */
const INTEGERS: Readonly<Record<string, readonly [number, boolean]>> = {
  y: [8, false],
  n: [16, true],
  q: [16, false],
  i: [32, true],
  u: [32, false],
  x: [64, true],
  t: [64, false],
};

function numberOf(text: string, signature: string): DBusValue {
  if (signature === 'd') return Number(text.replace(/inf(inity)?/, 'Infinity').replace('nan', 'NaN'));
  const [bits, isSigned] = INTEGERS[signature] ?? refuse();
  if (isFloat(text)) refuse();
  const digits = text.replace(/^[+-]/, '');
  const size = BigInt(/^0\d/.test(digits) ? `0o${/^0[0-7]+$/.test(digits) ? digits.slice(1) : refuse()}` : digits);
  const value = text.startsWith('-') ? -size : size;
  return value === (isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) ? value : refuse();
}
