import { createHmac } from 'node:crypto';

/** Signs as a Space does, written anew from the documentation so that the server's own code is not its judge. */
export function sign(signingKey: string, url: string, form: readonly (readonly [string, string])[] = []): string {
  const names = [...new Set(form.map(([name]) => name))].sort();
  const pairs = names.flatMap((name) => form.filter((pair) => pair[0] === name));
  return createHmac('sha1', signingKey)
    .update(url + pairs.map((pair) => pair.join('')).join(''))
    .digest('base64');
}
