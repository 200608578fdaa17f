import { refuse } from './errors.ts';
import type { Instant } from './instant.ts';
import { type Line, parseLine } from './line.ts';

/** The name that a person logs in with and that all commands know the person by. Case matters. */
export type Username = string & { readonly rule: 'username' };

/** A mail address, or empty when none is known. */
export type Email = string & { readonly rule: 'mail address or empty' };

/** The languages that bills are written in. */
export const LANGUAGES = ['de', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/**
 * Reads the language of somebody's bills.
 * @throws UNKNOWN_LANGUAGE
 */
export function parseLanguage(text: string): Language {
  const language = LANGUAGES.find((known) => known === text);
  if (language === undefined) throw refuse.UNKNOWN_LANGUAGE({ language: text, known: LANGUAGES });
  return language;
}

/** The id that a directory gives an entry for good: entryUUID (RFC 4530), in lower case. */
export type DirectoryId = string & { readonly rule: 'entryUUID' };

/** The entry of the directory that a user is. */
export interface DirectoryLink {
  readonly id: DirectoryId;
  /** The distinguished name, as the directory wrote it last. */
  readonly dn: string;
  /** When the entry was found missing, which made the user inactive; null: it is there. */
  readonly goneAt: Instant | null;
}

/** A person who orders, or staff. */
export interface User {
  readonly username: Username;
  readonly fullName: Line;
  readonly email: Email;
  readonly language: Language;
  readonly isStaff: boolean;
  /** False: the person is gone. Orders and tunnels go on until they are ended. */
  readonly isActive: boolean;
  readonly createdAt: Instant;
  /** Null: the user is known here only. */
  readonly directory: DirectoryLink | null;
}

/** What is to be changed about a user; an absent field stays as it is. */
export interface UserChange {
  readonly username?: Username | undefined;
  readonly fullName?: Line | undefined;
  readonly email?: Email | undefined;
  readonly language?: Language | undefined;
  readonly isStaff?: boolean | undefined;
  readonly isActive?: boolean | undefined;
}

/** The names that directories hand out as uid, and Django accepts: letters and digits of any script, and . _ @ + - */
const USERNAME = /^[\p{L}\p{N}_][\p{L}\p{N}._@+-]{0,149}$/u;

/** RFC 5321 §4.5.3.1: 64 octets before the at sign, 254 together (RFC 3696 erratum 1690). */
const EMAIL = /^[^\s@\p{Cc}"(),:;<>[\\\]]{1,64}@[^\s@\p{Cc}"(),:;<>[\\\]]{1,253}$/u;
const LONGEST_EMAIL = 254;

/**
 * Reads a username of 1 to 150 characters, in composed form (Unicode NFC), so that it is equal however it was typed.
 * @throws INVALID_USERNAME
 */
export function parseUsername(text: string): Username {
  const username = text.normalize('NFC');
  if (!USERNAME.test(username)) throw refuse.INVALID_USERNAME({ username: text });
  return username as Username;
}

/**
 * Reads a mail address; empty for none. Only the shape is checked: whether mail arrives only mail can tell.
 * @throws INVALID_EMAIL
 */
export function parseEmail(text: string): Email {
  if (text !== '' && (!EMAIL.test(text) || text.length > LONGEST_EMAIL)) {
    throw refuse.INVALID_EMAIL({ email: text });
  }
  return text as Email;
}

const NO_NAME = parseLine('full_name', '');
const NO_EMAIL = parseEmail('');

/** A user as created without a word about anything but the name. */
export function newUser(username: Username, createdAt: Instant): User {
  return {
    username,
    fullName: NO_NAME,
    email: NO_EMAIL,
    language: 'en',
    isStaff: false,
    isActive: true,
    createdAt,
    directory: null,
  };
}

/** The user after a change. */
export function changeUser(user: User, change: UserChange): User {
  return {
    ...user,
    username: change.username ?? user.username,
    fullName: change.fullName ?? user.fullName,
    email: change.email ?? user.email,
    language: change.language ?? user.language,
    isStaff: change.isStaff ?? user.isStaff,
    isActive: change.isActive ?? user.isActive,
  };
}
