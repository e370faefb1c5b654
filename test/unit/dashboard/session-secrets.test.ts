import { expect, it } from '@jest/globals';
import { sessionSecrets } from '../../../src/dashboard/session-secrets';

it('SESSION_SECRET signs alone', () => {
  expect(sessionSecrets({ sessionSecret: 'a secret', signingKeys: ['PSK_1'] })).toEqual(['a secret']);
});

it('signing keys stand in for it: the same on every server, and the old one is accepted beside the new one', () => {
  const [old] = sessionSecrets({ sessionSecret: undefined, signingKeys: ['PSK_old'] });
  const both = sessionSecrets({ sessionSecret: undefined, signingKeys: ['PSK_new', 'PSK_old'] });
  expect(both).toEqual([expect.stringMatching(/^[\w-]{43}$/), old]);
  expect(both[0]).not.toBe(old);
  expect(both.join()).not.toContain('PSK');
});

it('without any, the secret is a random one', () => {
  const create = () => sessionSecrets({ sessionSecret: undefined, signingKeys: [] });
  expect(create()).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
  expect(create()).not.toEqual(create());
});
