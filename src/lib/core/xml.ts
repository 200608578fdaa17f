/** An element of an XML document. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: string | readonly XmlElement[];
}

/** What may stand in an element: text, or other elements; null leaves no trace. */
type Content = readonly (XmlElement | null)[];

/** An element with other elements in it, without those that are null. */
export function parent(name: string, content: Content, attributes: Record<string, string> = {}): XmlElement {
  return { name, attributes, content: content.filter((element) => element !== null) };
}

/** An element with text in it. */
export function leaf(name: string, text: string, attributes: Record<string, string> = {}): XmlElement {
  return { name, attributes, content: text };
}

/** An element with text in it, or null when there is only blank text: empty elements are forbidden in many formats. */
export function leafIfAny(name: string, text: string): XmlElement | null {
  return printable(text) === '' ? null : leaf(name, text);
}

/** Writes a document (XML 1.0, fifth edition) in UTF-8, an element a line. */
export function writeXml(root: XmlElement): string {
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>'];
  writeElement(root, '', lines);
  return `${lines.join('\n')}\n`;
}

function writeElement({ name, attributes, content }: XmlElement, indent: string, lines: string[]): void {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const start = `${indent}<${name}${written.join('')}>`;
  if (typeof content === 'string') {
    lines.push(`${start}${escaped(content)}</${name}>`);
    return;
  }
  lines.push(start);
  for (const element of content) writeElement(element, `${indent}  `, lines);
  lines.push(`${indent}</${name}>`);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return printable(text).replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

/** On one line, with □ for what XML cannot hold (2.2, production 2). */
function printable(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cs}\ufffe\uffff]/gu, '□')
    .trim();
}
