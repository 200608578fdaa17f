/** The certificate authorities that the system trusts; those that Node ships where it has none. PEM, one each. */
export async function systemAuthorities(): Promise<string[]> {
  const { getCACertificates, rootCertificates } = await import('node:tls');
  // Node 22.15 and later can read the system's.
  const system = typeof getCACertificates === 'function' ? getCACertificates('system') : [];
  return system.length > 0 ? system : [...rootCertificates];
}
