import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/lib/core/config.ts';
import { hostTools } from '../../src/lib/io/host-tools.ts';

const WARNING = 'sudo: unable to resolve host vpn-1: Name or service not known\n';

describe('a tool that fails', () => {
  const { config } = readConfig([], {}, {});
  const failing = (stderr: string) => hostTools(async () => ({ code: 2, stdout: '', stderr }), config).ip([]);

  it('is quoted without what sudo says of the name of the host', async () => {
    await expect(failing(`${WARNING}Error: Unknown device type.\n`)).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: '"ip" failed: Error: Unknown device type.',
    });
    await expect(failing(`${WARNING}sudo: a password is required\n`)).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
      message: '"ip" may not be run: sudo: a password is required.',
    });
    await expect(failing(WARNING)).rejects.toThrow('it gave no reason');
  });
});
