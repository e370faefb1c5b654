import { expect, it } from '@jest/globals';
import type { Request, Response } from 'express';
import { createPublicPageTools } from '../../../src/dashboard/page-tools';
import { english } from '../../../src/dashboard/texts-en';

it('a refusal that cannot be rendered fails the request, not the process', async () => {
  const { requireSameOrigin } = createPublicPageTools({
    texts: english,
    sendPage: () => Promise.reject(new TypeError('no page')),
    basePath: '',
    publicUrl: 'https://coach.example.com',
    now: () => 0,
  });
  const req = { method: 'POST', headers: {}, accepts: () => 'text/html' } as unknown as Request;
  const res = { locals: {} } as Response;
  await expect(requireSameOrigin(req, res, () => {})).rejects.toThrow('no page');
});
