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
  /** The number that our routes carry as the protocol that made them (ip-route(8)). */
  readonly routeProtocol: number;
}

/** The programs as the configuration names them. */
export function hostTools(run: Run, config: Config): HostTools {
  return {
    run,
    routeProtocol: config['wireguard.route_protocol'],
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
    const said = stderr.replace(SUDO_WARNING, '');
    const reason = firstLine(said);
    if (/^sudo:|Operation not permitted|Permission denied/m.test(said)) {
      throw refuse.NOT_PERMITTED({ command, reason });
    }
    throw refuse.COMMAND_FAILED({ command: [command, ...args.slice(0, 6)].join(' '), reason });
  };
}

/** What sudo says before it runs any command at all on a host whose own name has no address. */
const SUDO_WARNING = /^sudo: unable to resolve host .*\n?/gm;

function firstLine(stderr: string): string {
  return stderr.trim().split('\n')[0]?.replace(/\.$/, '') || 'it gave no reason';
}
