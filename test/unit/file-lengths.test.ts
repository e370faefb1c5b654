import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';

const ROOMS = path.join(__dirname, '../../src/rooms');

it('no file in rooms has more than 250 lines', () => {
  const lengths = readdirSync(ROOMS).map((file) => [
    file,
    readFileSync(path.join(ROOMS, file), 'utf8').trimEnd().split('\n').length,
  ]);
  expect(lengths.filter(([, length]) => Number(length) > 250)).toEqual([]);
});
