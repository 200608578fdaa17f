import { TextDecoder } from 'node:util';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { refuse } from '../core/errors.ts';

/** An element whose end was read. */
export interface XmlElement {
  /** The local names from the root to it: `Document/GrpHdr/MsgId`. One of a foreign namespace is called `?`. */
  readonly path: string;
  /** Its own text, without blanks at the ends. */
  readonly text: string;
  attribute(name: string): string | undefined;
}

/** What is told while a file of XML is read. */
export interface XmlListener {
  /**
   * Whether the root element is one that is expected; its namespace is then that of the document.
   * @throws when it is not
   */
  root(name: string, namespace: string): void;
  open(path: string): void;
  close(element: XmlElement): void;
}

/** Encodings by the names that declare them; the decoder of Node takes ISO-8859-1 for Windows-1252. */
const ENCODINGS = new Set(['utf-8', 'utf-16', 'iso-8859-1', 'iso-8859-15', 'windows-1252', 'us-ascii']);

/** An XML declaration and what it can say fit into this. */
const HEAD_BYTES = 256;
const DEEPEST = 64;
/** The most characters of the names from the root to an element: each element that is read takes as much time. */
const LONGEST_PATH = 4096;
/** The most characters between two tags, or within one. */
const LONGEST_PIECE = 1_048_576;

/**
 * Reads XML as a stream, piece by piece: no document is ever held in memory. What an XML could load from elsewhere
 * or multiply in memory comes with a document type, which is refused.
 * @throws XML_MALFORMED, XML_ENCODING
 */
export class XmlReader {
  readonly #file: string;
  readonly #listener: XmlListener;
  readonly #parser = new SaxesParser({ xmlns: true });
  #decoder: Decoder | undefined;
  #head: Uint8Array = new Uint8Array();
  #namespace = '';
  #path = '';
  #depth = 0;
  #text = '';
  #pieceStart = 0;

  constructor(file: string, listener: XmlListener) {
    this.#file = file;
    this.#listener = listener;
    const parser = this.#parser;
    parser.on('error', ({ message }) => this.#refuse(message.replace(/^\d+:\d+: /, '').replace(/\.$/, '')));
    parser.on('doctype', () => this.#refuse('a document type is not read'));
    parser.on('opentag', (tag) => this.#open(tag));
    parser.on('closetag', (tag) => this.#close(tag));
    parser.on('text', (text) => this.#take(text));
    parser.on('cdata', (text) => this.#take(text));
  }

  /** The line that is being read. */
  get line(): number {
    return this.#parser.line;
  }

  write(chunk: Uint8Array): void {
    if (this.#decoder !== undefined) {
      this.#parse(this.#decoder.decode(chunk));
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length >= HEAD_BYTES) this.#begin();
  }

  end(): void {
    this.#parse((this.#decoder ?? this.#begin()).end());
    this.#parser.close();
  }

  #begin(): Decoder {
    this.#decoder = new Decoder(this.#file, this.#head);
    this.#parse(this.#decoder.decode(this.#head));
    return this.#decoder;
  }

  #parse(text: string): void {
    this.#parser.write(text);
    if (this.#parser.position - this.#pieceStart > LONGEST_PIECE) {
      this.#refuse(`a tag or a piece of text is longer than ${LONGEST_PIECE} characters`);
    }
  }

  #open({ local, uri }: SaxesTagNS): void {
    if (this.#depth === 0) {
      this.#listener.root(local, uri);
      this.#namespace = uri;
    }
    this.#depth += 1;
    if (this.#depth > DEEPEST) this.#refuse(`elements are nested more than ${DEEPEST} deep`);
    const name = uri === this.#namespace ? local : '?';
    this.#path = this.#depth === 1 ? name : `${this.#path}/${name}`;
    if (this.#path.length > LONGEST_PATH)
      this.#refuse(`the names of elements within each other have more than ${LONGEST_PATH} characters`);
    this.#listener.open(this.#path);
    this.#take('');
    this.#text = '';
  }

  #close({ attributes }: SaxesTagNS): void {
    const path = this.#path;
    const text = this.#text.trim();
    this.#listener.close({ path, text, attribute: (name) => attributes[name]?.value });
    this.#depth -= 1;
    this.#path = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    this.#take('');
    this.#text = '';
  }

  #take(text: string): void {
    this.#text += text;
    this.#pieceStart = this.#parser.position;
    if (this.#text.length > LONGEST_PIECE) {
      this.#refuse(`an element holds more than ${LONGEST_PIECE} characters of text`);
    }
  }

  #refuse(reason: string): never {
    const { line, columnIndex } = this.#parser;
    throw refuse.XML_MALFORMED({ file: this.#file, line, column: columnIndex + 1, reason });
  }
}

/** Turns bytes into text, in the encoding that a file begins with or declares; else in UTF-8. */
class Decoder {
  readonly #file: string;
  readonly #encoding: string;
  readonly #decoder: TextDecoder;

  constructor(file: string, head: Uint8Array) {
    const [first, second] = head;
    const isBigEndian = first === 0xfe || (first === 0x00 && second === 0x3c);
    const isLittleEndian = first === 0xff || (first === 0x3c && second === 0x00);
    const declaration = /^(?:\xef\xbb\xbf)?<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]*)/.exec(
      Buffer.from(head.subarray(0, HEAD_BYTES)).toString('latin1'),
    );
    this.#file = file;
    this.#encoding = isBigEndian || isLittleEndian ? 'UTF-16' : (declaration?.[1] ?? 'UTF-8');
    const label = this.#encoding.toLowerCase();
    if (!ENCODINGS.has(label)) throw this.#refusal('which is not read');
    if (label === 'utf-16' && !isBigEndian && !isLittleEndian) throw this.#refusal('which it is not');
    this.#decoder = new TextDecoder(isBigEndian ? 'utf-16be' : label, { fatal: true });
  }

  decode(chunk: Uint8Array): string {
    return this.#checked(() => this.#decoder.decode(chunk, { stream: true }));
  }

  end(): string {
    return this.#checked(() => this.#decoder.decode());
  }

  #checked(decode: () => string): string {
    try {
      return decode();
    } catch {
      throw this.#refusal('but holds bytes that are not');
    }
  }

  #refusal(reason: string) {
    return refuse.XML_ENCODING({ file: this.#file, encoding: this.#encoding, reason });
  }
}
