import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A new certificate for localhost, as `cert.pem` and `key.pem` in a folder; `ca` is the file to trust it by. */
export async function generateCertificate(): Promise<{ folder: string; ca: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'certificate-'));
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  const ca = join(folder, 'cert.pem');
  await writeFile(ca, cert);
  await writeFile(join(folder, 'key.pem'), key);
  return { folder, ca };
}
