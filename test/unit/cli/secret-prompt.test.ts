import { Readable, Writable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { createSecretPrompt } from '../../../src/cli/roster/secret-prompt';

it('Ctrl-C at a terminal interrupts the command, and nothing was typed', async () => {
  const stdin = Object.assign(Readable.from(['482\x03']), { isTTY: true });
  const stderr = new Writable({ write: (_text, _encoding, done) => done() });
  let interrupts = 0;
  const prompt = createSecretPrompt({ stdin, stderr }, () => interrupts++);
  expect([await prompt.ask('PIN: '), interrupts]).toEqual(['', 1]);
  prompt.close();
});
