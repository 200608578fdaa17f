import { expect, it } from 'vitest';
import { addSeconds, instant } from '../../src/lib/core/instant.ts';
import { tunnelState } from '../../src/lib/core/tunnel.ts';

const AT = instant(1_735_689_600);
const traffic = {
  allowedIps: '2a0a:e5c1:200::/48',
  endpoint: '[2001:db8::7]:40000',
  received: 148,
  sent: 92,
  latestHandshake: AT,
};

it.each([
  ['live', -1],
  ['live', 0],
  ['live', 180],
  ['stale', 181],
  ['stale', 86_400],
])('a tunnel is %s %d seconds after its handshake', (state, seconds) => {
  expect(tunnelState(traffic, addSeconds(AT, seconds))).toBe(state);
});

it('a tunnel without a handshake, and one that the interface does not know', () => {
  expect(tunnelState({ ...traffic, latestHandshake: null }, AT)).toBe('never');
  expect(tunnelState(undefined, AT)).toBe('absent');
});
