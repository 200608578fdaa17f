import type { Config } from '../core/config.ts';
import { refuse } from '../core/errors.ts';
import type { Run } from './run.ts';

/**
 * Runs `ip` or `wg`, as root unless told that it is not needed, and returns what it printed.
 * @throws TOOL_MISSING; NOT_PERMITTED; COMMAND_FAILED with what it said
 */
export type Tool = (
  args: readonly string[],
  options?: { readonly privileged?: boolean; readonly input?: string },
) => Promise<string>;

/** The two programs that configure a VPN host. */
export interface HostTools {
  readonly ip: Tool;
  readonly wg: Tool;
  readonly run: Run;
}

/** The programs as the configuration names them. */
export function hostTools(run: Run, config: Config): HostTools {
  return {
    run,
    ip: toolOf(run, config['wireguard.ip_command']),
    wg: toolOf(run, config['wireguard.wg_command']),
  };
}

function toolOf(run: Run, command: string): Tool {
  return async (args, { privileged = true, input } = {}) => {
    const { code, stdout, stderr } = await run(command, args, {
      privileged,
      ...(input === undefined ? {} : { input }),
    });
    if (code === 0) return stdout;
    const reason = firstLine(stderr);
    if (/^sudo:|Operation not permitted|Permission denied/m.test(stderr)) {
      throw refuse.NOT_PERMITTED({ command, reason });
    }
    throw refuse.COMMAND_FAILED({ command: [command, ...args.slice(0, 6)].join(' '), reason });
  };
}

function firstLine(stderr: string): string {
  return stderr.trim().split('\n')[0] || 'it gave no reason';
}
