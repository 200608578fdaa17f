import { refuse, type UserError } from '../core/errors.ts';
import { isLoopback } from '../core/loopback.ts';
import type { Input } from './input.ts';

interface DownloadLimits {
  readonly maxBytes?: number;
  /** For the whole download, from the first connection to the last byte. */
  readonly timeoutSeconds?: number;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Downloads a file as a stream from an `https://` address; `http://` is accepted for loopback only.
 * At most five redirects are followed, and only to addresses that would be accepted themselves.
 * @throws INVALID_SOURCE_URL, DOWNLOAD_REFUSED, and DOWNLOAD_FAILED when trying again may help; the last two
 * also while the bytes are read
 */
export async function download(
  address: string,
  { maxBytes = 16 * 1024 * 1024, timeoutSeconds = 30 }: DownloadLimits = {},
): Promise<Input> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  const start = parseSource(address);
  const name = shown(start);
  const failed = (error: unknown): UserError => {
    const reason = signal.aborted ? `no answer within ${timeoutSeconds} seconds` : causeOf(error);
    return refuse.DOWNLOAD_FAILED({ url: name, reason });
  };

  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    let response: Response;
    try {
      response = await fetch(url.href, { redirect: 'manual', signal });
    } catch (error) {
      throw failed(error);
    }
    const { status, body } = response;
    if (status === 200) return { name, bytes: limited(body) };
    await body?.cancel();
    if (!REDIRECTS.has(status)) throw refusedStatus(name, status);
    url = redirectTarget(url, response.headers.get('location'));
  }
  throw refuse.DOWNLOAD_REFUSED({ url: name, reason: `it redirects more than ${MAX_REDIRECTS} times` });

  async function* limited(body: Response['body']): AsyncGenerator<Uint8Array> {
    let received = 0;
    try {
      for await (const chunk of body ?? []) {
        received += chunk.length;
        if (received > maxBytes) break;
        yield chunk;
      }
    } catch (error) {
      throw failed(error);
    }
    if (received > maxBytes) {
      throw refuse.DOWNLOAD_REFUSED({ url: name, reason: `it is larger than ${maxBytes} bytes` });
    }
  }
}

function redirectTarget(from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href)) {
    throw refuse.DOWNLOAD_REFUSED({ url: shown(from), reason: 'it redirects to no address' });
  }
  const target = parseSource(new URL(location, from.href).href);
  if (from.protocol === 'https:' && target.protocol !== 'https:') {
    throw refuse.INVALID_SOURCE_URL({ url: shown(target), reason: 'an https:// address redirects to it' });
  }
  return target;
}

function parseSource(address: string): URL {
  if (!URL.canParse(address)) {
    throw refuse.INVALID_SOURCE_URL({ url: address, reason: 'it is not an address' });
  }
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') {
    throw refuse.INVALID_SOURCE_URL({ url: shown(url), reason: 'it holds a password' });
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw refuse.INVALID_SOURCE_URL({ url: shown(url), reason: 'it is not https://' });
  }
  return url;
}

/** The address without user, query and fragment, which may hold secrets. */
function shown({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

function refusedStatus(url: string, status: number): UserError {
  const reason = `the server answered ${status}`;
  const tryAgain = status === 408 || status === 429 || status >= 500;
  return tryAgain ? refuse.DOWNLOAD_FAILED({ url, reason }) : refuse.DOWNLOAD_REFUSED({ url, reason });
}

/** fetch says only "fetch failed"; the system's word on it is one level down. */
function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  const { code, message: detail } = (cause ?? {}) as NodeJS.ErrnoException;
  return code ?? (detail || message);
}
