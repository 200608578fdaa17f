import { quote, refuse, type UserError } from './errors.ts';

/** What kind of value a member of a JSON object has. */
export type JsonKind = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array';

/** A member of a JSON object. */
export interface JsonMember {
  readonly name: string;
  readonly kind: JsonKind;
  /** The text of a string, the digits of a number as they were written, `true` or `false`; else empty. */
  readonly text: string;
  /** Name, colon and value as they were written. */
  readonly source: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BLANK = 0x20;
const DEEPEST = 100;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/**
 * Reads a line that is one JSON object (RFC 8259). Unlike `JSON.parse` it keeps numbers as they were written, refuses
 * a name that appears twice, and says in which column it stopped.
 * @throws JSON_SYNTAX
 */
export function parseJsonLine(text: string): JsonMember[] {
  const reader = new LineReader(text);
  const members = reader.object(0);
  reader.end();
  return members;
}

/** Steps through the characters of a line. */
class LineReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  object(depth: number): JsonMember[] {
    const members: JsonMember[] = [];
    this.#expect('{', 'an object, which begins with {,');
    if (this.#skip('}')) return members;
    const names = new Set<string>();
    do {
      const start = this.#next();
      const name = this.#string('a name in double quotes');
      if (names.has(name)) throw this.#fault(start, `the name ${quote(name)} appears twice`);
      names.add(name);
      this.#expect(':', 'a colon');
      const value = this.#value(depth + 1);
      members.push({ name, ...value, source: this.#text.slice(start, this.#at) });
    } while (this.#skip(','));
    this.#expect('}', 'a comma or the closing }');
    return members;
  }

  end(): void {
    if (this.#next() < this.#text.length) throw this.#missing('the end of the line');
  }

  #value(depth: number): { kind: JsonKind; text: string } {
    const start = this.#next();
    const first = this.#text[start];
    if (depth > DEEPEST) throw this.#fault(start, `there are more than ${DEEPEST} objects in each other`);
    if (first === '"') return { kind: 'string', text: this.#string('a string') };
    if (first === '{') {
      this.object(depth);
      return { kind: 'object', text: '' };
    }
    if (first === '[') {
      this.#array(depth);
      return { kind: 'array', text: '' };
    }
    const word = this.#match(WORD);
    if (word !== null) return word === 'null' ? { kind: 'null', text: '' } : { kind: 'boolean', text: word };
    const number = this.#match(NUMBER);
    if (number !== null) return { kind: 'number', text: number };
    throw this.#missing('a value');
  }

  #array(depth: number): void {
    this.#expect('[', 'an array');
    if (this.#skip(']')) return;
    do this.#value(depth + 1);
    while (this.#skip(','));
    this.#expect(']', 'a comma or the closing ]');
  }

  #string(what: string): string {
    const start = this.#next();
    if (this.#text[start] !== '"') throw this.#missing(what);
    let hasEscapes = false;
    let at = start + 1;
    for (let code = this.#text.charCodeAt(at); code !== QUOTE; code = this.#text.charCodeAt(at)) {
      if (Number.isNaN(code)) throw this.#fault(start, 'the string that begins here is never closed');
      if (code < BLANK) throw this.#fault(at, 'a control character in a string has to be escaped');
      if (code === BACKSLASH) hasEscapes = true;
      at += code === BACKSLASH ? 2 : 1;
    }
    this.#at = at + 1;
    const source = this.#text.slice(start, this.#at);
    if (!hasEscapes) return source.slice(1, -1);
    const wrong = /(?<!\\)(?:\\\\)*\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(source);
    if (wrong !== null)
      throw this.#fault(
        start + wrong.index + wrong[0].length - 1,
        'the backslash here begins no escape of JSON',
      );
    return JSON.parse(source) as string;
  }

  /** The place of the next character that is no blank. */
  #next(): number {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    return this.#at;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#next()] !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string, what: string): void {
    if (!this.#skip(character)) throw this.#missing(what);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match?.[0] ?? null;
  }

  #missing(what: string): UserError {
    const found = this.#text[this.#at];
    const place = found === undefined ? 'the line ends' : `${quote(found)} stands`;
    return this.#fault(this.#at, `${place} where ${what} should be`);
  }

  #fault(at: number, reason: string): UserError {
    return refuse.JSON_SYNTAX({ column: at + 1, reason });
  }
}
