import { createHash, createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { randomPassword, scramVerifier } from '../../src/lib/io/db/scram.ts';

it('makes the keys with which the exchange of RFC 7677 §3 succeeds', () => {
  const salt = 'W22ZaJ0SNY7soEsUEjb6gQ==';
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`;
  const verifier = scramVerifier('pencil', Buffer.from(salt, 'base64'));
  const match = /^SCRAM-SHA-256\$4096:([^$]+)\$([^:]+):(.+)$/.exec(verifier);
  const [, storedSalt = '', storedKey = '', serverKey = ''] = match ?? [];
  expect(storedSalt).toBe(salt);

  const signed = (key: string) => createHmac('sha256', Buffer.from(key, 'base64')).update(message).digest();
  expect(signed(serverKey).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
  const clientKey = proof.map((byte, index) => byte ^ (signed(storedKey)[index] ?? 0));
  expect(createHash('sha256').update(clientKey).digest('base64')).toBe(storedKey);
});

it('never makes the same password or salt twice', () => {
  expect(new Set(Array.from({ length: 100 }, randomPassword)).size).toBe(100);
  expect(scramVerifier('x')).not.toBe(scramVerifier('x'));
});
