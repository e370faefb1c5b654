/** When a moderator is told that a supervisor came in: never, when one comes to whisper, or always. */
export const NOTICE_POLICIES = ['never', 'coach', 'always'] as const;

/** One of {@link NOTICE_POLICIES}. */
export type NoticePolicy = (typeof NOTICE_POLICIES)[number];
