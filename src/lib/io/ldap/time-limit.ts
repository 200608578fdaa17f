import { refuse } from '../../core/errors.ts';
import type { LdapSettings } from '../../core/ldap-settings.ts';

/**
 * The time that one command may wait for the directory in all. What it does between its questions does not count; a
 * server that drips one byte a second does.
 */
export class TimeLimit {
  readonly #settings: LdapSettings;
  readonly #abort = new AbortController();
  #left: number;

  constructor(settings: LdapSettings) {
    this.#settings = settings;
    this.#left = settings.timeoutSeconds * 1000;
  }

  /**
   * @param work what waits; its signal is raised when the time is up, now or later
   * @throws LDAP_UNREACHABLE when the time is up before the work is done
   */
  async within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const start = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const { url, timeoutSeconds } = this.#settings;
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const reason = `it gave no complete answer within ${timeoutSeconds} seconds`;
        reject(refuse.LDAP_UNREACHABLE({ url, reason }));
        this.#abort.abort();
      }, this.#left);
    });
    try {
      return await Promise.race([work(this.#abort.signal), expiry]);
    } finally {
      clearTimeout(timer);
      this.#left = Math.max(0, this.#left - (performance.now() - start));
    }
  }
}
