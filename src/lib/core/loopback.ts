/**
 * Whether a host is this machine, which no network leads to: ::1 or one of 127.0.0.0/8 (RFC 1122 §3.2.1.3). By address
 * only: `127.example.net` is a name, which leads to wherever it says, and so does localhost.
 * @param host an IPv6 address with or without the brackets of a URL
 */
export function isLoopback(host: string): boolean {
  return /^(::1|\[::1\])$/.test(host) || /^127(\.\d{1,3}){3}$/.test(host);
}
