import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { temporaryFolder } from './temporary-folder';

/** `cert.pem` and `key.pem` in a folder; `ca` is the file to trust it by. */
export interface Certificate {
  folder: string;
  ca: string;
}

export interface CertificateOptions {
  /** The host name it is for; localhost by default. */
  host?: string;
  notAfterDate?: Date;
  /** Who signs it; itself by default. */
  issuer?: Certificate;
}

/** A new certificate. */
export async function generateCertificate(options: CertificateOptions = {}): Promise<Certificate> {
  const { host = 'localhost', notAfterDate, issuer } = options;
  const folder = temporaryFolder();
  const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }],
    // Such a key takes no time to make, unlike RSA's, but selfsigned signs with RSA alone for others.
    ...(issuer === undefined && { keyType: 'ec' }),
    ...(notAfterDate && { notBeforeDate: new Date(notAfterDate.getTime() - 86_400_000), notAfterDate }),
    ...(issuer && {
      ca: { cert: await readFile(issuer.ca, 'utf8'), key: await readFile(join(issuer.folder, 'key.pem'), 'utf8') },
    }),
  });
  const ca = join(folder, 'cert.pem');
  await writeFile(ca, cert);
  await writeFile(join(folder, 'key.pem'), key);
  return { folder, ca: issuer?.ca ?? ca };
}

/** The certificate of an authority, which can be an issuer. */
export async function generateAuthority(): Promise<Certificate> {
  const folder = temporaryFolder();
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'Test authority' }], {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const ca = join(folder, 'cert.pem');
  await writeFile(ca, cert);
  await writeFile(join(folder, 'key.pem'), key);
  return { folder, ca };
}
