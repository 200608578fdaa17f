import { refuse } from './errors.ts';

/** A fully qualified domain name in lower case, without the trailing dot. */
export type Hostname = string & { readonly rule: 'RFC 1123 hostname of two or more labels' };

const LABEL = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
/** RFC 1035 §2.3.4: 255 octets on the wire, which leave 253 characters without the trailing dot. */
const LONGEST_NAME = 253;

/**
 * Reads a fully qualified domain name (RFC 1123 §2.1: letters, digits and hyphens, labels of 1 to 63).
 * @throws INVALID_HOSTNAME, also for IP addresses and for a single label, which means another machine in every network
 */
export function parseHostname(text: string): Hostname {
  const name = text.replace(/\.$/, '');
  const labels = name.split('.');
  const top = labels.at(-1) ?? '';
  if (name.length > LONGEST_NAME)
    throw refuse.INVALID_HOSTNAME({ text, rule: 'it is longer than 253 characters' });
  if (name.includes(':') || labels.every((label) => /^\d+$/.test(label))) {
    throw refuse.INVALID_HOSTNAME({ text, rule: 'an address or a bare number is no name' });
  }
  if (!labels.every((label) => LABEL.test(label))) {
    throw refuse.INVALID_HOSTNAME({
      text,
      rule: 'each label has 1 to 63 letters a-z, digits and hyphens, with no hyphen at its ends',
    });
  }
  if (labels.length < 2) throw refuse.INVALID_HOSTNAME({ text, rule: 'it has one label only, so no domain' });
  if (/^\d+$/.test(top)) throw refuse.INVALID_HOSTNAME({ text, rule: 'its last label is a number' });
  // Only now: lowering first would turn the Kelvin sign U+212A into a plain k.
  return name.toLowerCase() as Hostname;
}
