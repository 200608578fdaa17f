import type { Config, ConfigOrigins } from '../core/config.ts';
import type { Instant } from '../core/instant.ts';
import type { Username } from '../core/user.ts';
import type { Database, OpenOptions } from '../io/db/database.ts';
import type { Directory } from '../io/ldap/directory.ts';
import type { Run } from '../io/run.ts';

/** The outside world, as an op receives it. Each part is opened at its first use. */
export interface Context {
  /** When the command began; the only clock that decisions see. */
  readonly now: Instant;
  /** The user in whose name the command works, who may see and change less; null: in nobody's but the operator's. */
  readonly asUser: Username | null;
  readonly config: Config;
  /** Where each value of the configuration came from. */
  readonly origins: ConfigOrigins;
  /** Opens the database; the same one for the whole command. */
  db(options?: OpenOptions): Promise<Database>;
  /**
   * Connects and logs in to the directory; the same one for the whole command.
   * @throws LDAP_NOT_CONFIGURED, and what `openDirectory` throws
   */
  ldap(): Promise<Directory>;
  /** Runs a program of the system. */
  readonly run: Run;
  /** Whether somebody sees `progress`. */
  readonly showsProgress: boolean;
  /** Tells a person how far the work is; shown on a terminal only. */
  progress(done: number, total: number | null, unit: string): void;
}
