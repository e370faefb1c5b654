/** When a moderator is notified of a supervisor: never, when one coaches, or always. */
export const NOTICE_POLICIES = ['never', 'coach', 'always'] as const;

/** One of {@link NOTICE_POLICIES}. */
export type NoticePolicy = (typeof NOTICE_POLICIES)[number];
