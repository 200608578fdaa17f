import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its key, in files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** An authority made for one test run, which signs certificates. */
export class Authority {
  readonly folder: string;
  readonly certificate: string;

  /** @param folder where its files, and those of the certificates, are put */
  constructor(folder: string) {
    this.folder = folder;
    this.certificate = selfSigned(folder, 'authority').certificate;
  }

  /**
   * Signs a certificate.
   * @param names as OpenSSL writes them: `IP:127.0.0.1` or `DNS:ldap.example.net`
   * @param days how long it is valid from now on; negative: until then
   */
  sign(name: string, names: string, days = 2): Certificate {
    const made = files(this.folder, name);
    const request = join(this.folder, `${name}.csr`);
    const extensions = join(this.folder, `${name}.ext`);
    openssl('req', ...KEY, '-keyout', made.key, '-out', request, '-subj', `/CN=${name}`);
    writeFileSync(extensions, `subjectAltName=${names}`);
    const authority = ['-CA', this.certificate, '-CAkey', files(this.folder, 'authority').key];
    const validity = ['-days', String(days), '-extfile', extensions];
    openssl('x509', '-req', '-in', request, ...authority, ...validity, '-out', made.certificate);
    return made;
  }
}

/** A certificate that nobody but itself vouches for. */
export function selfSigned(folder: string, name: string, names = 'DNS:nobody'): Certificate {
  const made = files(folder, name);
  const paths = ['-keyout', made.key, '-out', made.certificate];
  openssl(
    'req',
    '-x509',
    ...KEY,
    ...paths,
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
    '-addext',
    `subjectAltName=${names}`,
  );
  return made;
}

/** The content of both files, for `tls.createServer`. */
export function readCertificate({ certificate, key }: Certificate): { cert: string; key: string } {
  return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function files(folder: string, name: string): Certificate {
  return { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
