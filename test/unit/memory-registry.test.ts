import { describe, expect, it } from '@jest/globals';
import { createMemoryRegistry } from '../../src/conferences/memory-registry';
import { parseRoomName, type RoomName } from '../../src/rooms/room-name';
import { parseSid, type Sid } from '../../src/signalwire/sid';

const room = parseRoomName('sales') as RoomName;
const callSid = parseSid('a') as Sid;
const old = parseSid('old') as Sid;

describe('the embedded registry', () => {
  it('lets go of what is over', async () => {
    let time = 1_000_000;
    const registry = createMemoryRegistry({ lifetimeMs: 60_000, now: () => time });
    await registry.apply({ kind: 'left', room, callSid, agoMs: 0 });
    time += 59_999;
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect(await registry.findModerator(room)).toBeUndefined();
    time += 60_000;
    // The leave is forgotten by now; a call this old cannot exist.
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect((await registry.findModerator(room))?.callSid).toBe('a');
  });

  it('takes what arrives now for the latest, even when the clock has gone back', async () => {
    let time = 1_000_000;
    const registry = createMemoryRegistry({ lifetimeMs: 60_000, now: () => time });
    await registry.apply({ kind: 'arrived', room, callSid: old, agoMs: 0 });
    time -= 10_000;
    await registry.apply({ kind: 'joined', room, callSid: parseSid('b') as Sid, conferenceSid: undefined, agoMs: 0 });
    expect((await registry.findModerator(room))?.callSid).toBe('old');
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 1 });
    expect((await registry.findModerator(room))?.callSid).toBe('old');
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    expect((await registry.findModerator(room))?.callSid).toBe('a');
  });

  it('knows what came first also before its clock began', async () => {
    const registry = createMemoryRegistry({ lifetimeMs: 60_000, now: () => 10 });
    await registry.apply({ kind: 'joined', room, callSid: old, conferenceSid: undefined, agoMs: 20_000 });
    await registry.apply({ kind: 'joined', room, callSid, conferenceSid: undefined, agoMs: 15_000 });
    expect((await registry.findModerator(room))?.callSid).toBe('a');
  });

  it('forgets when a call arrived, once that is over', async () => {
    let time = 1_000_000;
    const registry = createMemoryRegistry({ lifetimeMs: 60_000, now: () => time });
    await registry.apply({ kind: 'arrived', room, callSid, agoMs: 0 });
    time += 120_000;
    await registry.apply({ kind: 'joined', room, callSid, conferenceSid: undefined, agoMs: 0 });
    expect((await registry.findModerator(room))?.callSid).toBe('a');
  });
});
