import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { parseRecord } from '../redis/parse-record';
import type { PendingSignIn } from './oidc';

/** What the browser keeps while it is at the identity provider. */
export interface Pending extends PendingSignIn {
  /** Where to go afterwards; undefined for the start. */
  next?: string | undefined;
}

/** Keeps what belongs to a sign-in that is under way in the browser, signed, so that nobody can fill the store. */
export interface PendingCookie {
  set(res: Response, pending: Pending): void;
  /** Undefined if there is none, or if it is forged or too old. */
  read(req: Request): Pending | undefined;
  clear(res: Response): void;
}

/** How long somebody may take at the identity provider, in milliseconds. */
const VALID_MS = 600_000;

/** @param options as of `createSessions` */
export function createPendingCookie({
  secrets,
  isSecure,
  now,
}: {
  secrets: readonly string[];
  isSecure: boolean;
  now: () => number;
}): PendingCookie {
  const name = isSecure ? '__Host-oidc' : 'oidc';
  const form = new RegExp(`(?:^|; *)${name}=([\\w-]+)\\.([\\w-]+)`);
  const cookie = { httpOnly: true, secure: isSecure, sameSite: 'lax', path: '/' } as const;
  const sign = (secret: string, text: string) => createHmac('sha256', secret).update(`oidc:${text}`).digest();
  return {
    set(res, pending) {
      const text = Buffer.from(JSON.stringify({ ...pending, until: now() + VALID_MS })).toString('base64url');
      const signature = sign(secrets[0] ?? '', text).toString('base64url');
      res.cookie(name, `${text}.${signature}`, { ...cookie, maxAge: VALID_MS });
    },
    read(req) {
      const [, text = '', signature = ''] = form.exec(req.headers.cookie ?? '') ?? [];
      const given = Buffer.from(signature, 'base64url');
      const isOurs = secrets.some((secret) => {
        const expected = sign(secret, text);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
      const json = Buffer.from(text, 'base64url').toString();
      return isOurs ? parseRecord<Pending>(json, ({ until }) => Number(until) > now()) : undefined;
    },
    clear: (res) => void res.clearCookie(name, cookie),
  };
}
