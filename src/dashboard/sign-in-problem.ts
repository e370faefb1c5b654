/** Why somebody was not signed in. */
export type SignInProblem =
  | { code: 'wrong' | 'busy' | 'store-away' | 'oidc-failed' | 'oidc-unknown' }
  /** `seconds` until another attempt. */
  | { code: 'locked-out'; seconds: number };
