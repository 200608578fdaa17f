import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { download } from '../../src/lib/io/http.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Starts a server on loopback and gives its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function text(...args: Parameters<typeof download>): Promise<string> {
  const parts = [];
  for await (const chunk of (await download(...args)).bytes) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

test('bytes stream, and the name leaves out the query', async () => {
  const origin = await serve((_, response) => response.end('a,b\n1,2\n'));
  expect(await text(`${origin}/vat.csv?token=secret`)).toBe('a,b\n1,2\n');
  expect((await download(`${origin}/vat.csv?token=secret`)).name).toBe(`${origin}/vat.csv`);
});

test('an empty answer is empty', async () => {
  const origin = await serve((_, response) => response.end());
  expect(await text(origin)).toBe('');
});

test('redirects are followed, but not for ever', async () => {
  const origin = await serve((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end('arrived');
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  });
  expect(await text(`${origin}/5`)).toBe('arrived');
  await expect(text(`${origin}/6`)).rejects.toMatchObject({
    code: 'DOWNLOAD_REFUSED',
    message: expect.stringContaining('more than 5 times'),
  });
});

test.each([
  ['http://example.net/x', 'it is not https://'],
  ['file:///etc/passwd', 'it is not https://'],
  [undefined, 'it redirects to no address'],
  ['http://[', 'it redirects to no address'],
])('a redirect to %s is not followed', async (location, reason) => {
  const origin = await serve((_, response) => response.writeHead(301, location ? { location } : {}).end());
  await expect(text(origin)).rejects.toMatchObject({ exit: 1, message: expect.stringContaining(reason) });
});

test.each([
  ['http://example.net/vat.csv', 'it is not https://'],
  ['http://localhost/vat.csv', 'it is not https://'],
  ['http://127.0.0.1.example.net/vat.csv', 'it is not https://'],
  ['ftp://example.net/vat.csv', 'it is not https://'],
  ['https://user:hunter2@example.net/vat.csv', 'it holds a password'],
  ['https://', 'it is not an address'],
])('%s is refused before anything is sent', async (address, reason) => {
  const error = await download(address).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'INVALID_SOURCE_URL', exit: 1 });
  expect(String(error)).toContain(reason);
  expect(String(error)).not.toContain('hunter2');
});

test.each([
  [404, 'DOWNLOAD_REFUSED', 1],
  [204, 'DOWNLOAD_REFUSED', 1],
  [429, 'DOWNLOAD_FAILED', 75],
  [503, 'DOWNLOAD_FAILED', 75],
])('status %i is %s', async (status, code, exit) => {
  const origin = await serve((_, response) => response.writeHead(status).end());
  await expect(text(origin)).rejects.toMatchObject({
    code,
    exit,
    message: expect.stringContaining(`the server answered ${status}`),
  });
});

test('an endless answer is cut off at the limit', async () => {
  const origin = await serve((_, response) => {
    const more = () => {
      while (response.write('x'.repeat(10_000)));
    };
    response.on('drain', more);
    more();
  });
  await expect(text(origin, { maxBytes: 1_000_000 })).rejects.toMatchObject({
    code: 'DOWNLOAD_REFUSED',
    message: expect.stringContaining('larger than 1000000 bytes'),
  });
});

test.each([
  ['silent', () => {}],
  ['dripping', ((_, response) => setInterval(() => response.write('x'), 20).unref()) as RequestListener],
])('a %s server is left after the time limit', async (_, listener) => {
  const origin = await serve(listener);
  await expect(text(origin, { timeoutSeconds: 0.3 })).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    exit: 75,
    message: expect.stringContaining('no answer within 0.3 seconds'),
  });
});

test('a server that hangs up, or is not there, is worth another try', async () => {
  const hangsUp = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half');
    setTimeout(() => response.destroy(), 20);
  });
  await expect(text(hangsUp)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', exit: 75 });

  const gone = await serve(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  await expect(text(gone)).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    exit: 75,
    message: expect.stringContaining('ECONNREFUSED'),
  });
});
