import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../support/temporary-folder';

const SCRIPT = join(__dirname, '../../deploy/signing-key.sh');

let file: string;

beforeEach(() => {
  file = join(temporaryFolder(), '.env');
});

function run(action: string, input: string) {
  const { status, stderr } = spawnSync('sh', [SCRIPT, action], {
    input,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ENV_FILE: file },
  });
  return { status, stderr };
}

describe('deploy/signing-key.sh', () => {
  it.each(['PSK_new\n', 'PSK_new'])('adds %j before the old key, then keeps it alone', (input) => {
    writeFileSync(file, 'PORT=3000\nSIGNALWIRE_SIGNING_KEY=PSK_old\n# SIGNALWIRE_SIGNING_KEY=PSK_older\n', {
      mode: 0o600,
    });
    expect(run('add', input).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(
      'PORT=3000\nSIGNALWIRE_SIGNING_KEY=PSK_new,PSK_old\n# SIGNALWIRE_SIGNING_KEY=PSK_older\n',
    );
    expect(run('finish', '').status).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('SIGNALWIRE_SIGNING_KEY=PSK_new\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    'SIGNALWIRE_SIGNING_KEY="PSK_old"\n',
    'SIGNALWIRE_SIGNING_KEY=PSK_old # of May\n',
    'SIGNALWIRE_SIGNING_KEY=PSK_old\r\n',
    'SIGNALWIRE_SIGNING_KEY=PSK_old\nSIGNALWIRE_SIGNING_KEY=PSK_older\n',
  ])('leaves %j alone, where a key beside it would make both invalid', (text) => {
    writeFileSync(file, text);
    expect(run('add', 'PSK_new\n')).toEqual({
      status: 2,
      stderr: `signing-key: write SIGNALWIRE_SIGNING_KEY in ${file} once, without quotes, spaces or a comment.\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
