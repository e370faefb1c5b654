import type { Request, Response } from 'express';
import type { Actor } from '../people/rights';
import type { Tokens } from '../people/tokens';
import { problem } from './problem';

/** Who sent a request. */
export interface ApiCaller {
  actor: Actor;
  /** The same with their rights of now, for answers that take long; undefined if they are not let in any more. */
  current(): Actor | undefined;
}

/** Finds out who sent a request. @throws Problem if they are not let in; StoreError */
export type Authenticate = (req: Request, res: Response) => ApiCaller | Promise<ApiCaller>;

/** Lets programs in by their tokens. */
export function createTokenAuthentication(tokens: Pick<Tokens, 'find'>): Authenticate {
  return (req) => {
    const [, secret] = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '') ?? [];
    if (secret === undefined) {
      throw problem('no_token', 'Send a token: Authorization: Bearer cc_...');
    }
    const actor = tokens.find(secret);
    if (actor === undefined) {
      throw wrongToken();
    }
    return { actor, current: () => tokens.find(secret) };
  };
}

/** The problem of somebody who is not let in any more. */
export function wrongToken() {
  return problem('wrong_token', 'This token is unknown, revoked or expired.');
}
