import { describe, expect, it } from '@jest/globals';
import { createMemoryRegistry } from '../../src/conferences/memory-registry';
import { parseRoomName, type RoomName } from '../../src/conferences/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';

describe('the embedded registry', () => {
  it('lets go of what is over', async () => {
    let time = 1_000_000;
    const registry = createMemoryRegistry({ lifetimeMs: 60_000, now: () => time });
    const room = parseRoomName('sales') as RoomName;
    const callSid = parseSid('a') as Sid;
    await registry.apply({ kind: 'left', room, callSid, agoMs: 0 });
    time += 59_999;
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect(await registry.findModerator(room)).toBeUndefined();
    time += 60_000;
    // The leave is forgotten by now; a call this old cannot exist.
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect(await registry.findModerator(room)).toBe('a');
  });
});
