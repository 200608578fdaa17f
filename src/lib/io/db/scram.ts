import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const PASSWORD_BYTES = 24;
const SALT_BYTES = 16;
/** PostgreSQL's own default (scram_iterations). */
const ITERATIONS = 4096;

/** A password of 192 random bits, in characters that need no quoting in a URL, a shell or ~/.pgpass. */
export function randomPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}

/**
 * What PostgreSQL stores instead of a password (RFC 5803, with SHA-256 as in RFC 7677). Sent in its place, the
 * password itself never reaches the server, its statement log or its statistics.
 * @param password ASCII, which SASLprep (RFC 4013) leaves as it is
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(SALT_BYTES)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const serverKey = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
