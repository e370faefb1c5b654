import type { RoomName } from './room';

/**
 * The room of `npm run simulate`. On the telephone, everybody in the roster may moderate or supervise there, whatever
 * their `rooms`. No list offers it to a call of our own account.
 */
export const SMOKE_TEST_ROOM = 'smoke-test' as RoomName;

/** The `AccountSid` of its simulated Space. No real account has it, so it is another's even where ours is unknown. */
export const SMOKE_TEST_ACCOUNT = 'conference-coach-smoke-test';
