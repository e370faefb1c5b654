import type { RoomName } from '../rooms/room-name';
import type { Sid } from '../signalwire/sid';
import type { Change, ConferenceRegistry, Moderator } from './registry';

interface Room {
  moderator: (Moderator & { arrivedAt: number; conferenceSid: Sid | undefined }) | undefined;
  /** When each call arrived, also those that are no longer the moderator. */
  arrivals: Map<Sid, number>;
  /** Calls that left and conferences that ended, with when that was noted. */
  gone: Map<Sid, number>;
}

export interface MemoryRegistryOptions {
  /** How long anything is remembered, in milliseconds. */
  lifetimeMs: number;
  /** Milliseconds from any beginning. */
  now: () => number;
}

/**
 * A registry in this process: for development and for a single server whose operator can do without state that
 * outlives a restart. It holds what the last `lifetimeMs` brought, and sweeps the rest out once a minute while in use.
 */
export function createMemoryRegistry({ lifetimeMs, now }: MemoryRegistryOptions): ConferenceRegistry {
  const rooms = new Map<RoomName, Room>();
  let sweptAt = now();

  return {
    async apply(change) {
      sweep();
      if (change.agoMs < lifetimeMs) {
        let room = rooms.get(change.room);
        if (room === undefined) {
          room = { moderator: undefined, arrivals: new Map(), gone: new Map() };
          rooms.set(change.room, room);
        }
        note(room, change, now());
      }
    },

    findModerator: async (roomName) => moderatorIn(rooms.get(roomName)),

    async listModerators() {
      return [...rooms].flatMap(([name, room]) => {
        const moderator = moderatorIn(room);
        return moderator === undefined ? [] : [{ room: name, ...moderator }];
      });
    },
  };

  function moderatorIn(room: Room | undefined): Moderator | undefined {
    const { moderator } = room ?? {};
    const isThere = moderator !== undefined && moderator.arrivedAt + lifetimeMs > now();
    return isThere ? { callSid: moderator.callSid, name: moderator.name } : undefined;
  }

  function sweep(): void {
    if (now() - sweptAt < 60_000) {
      return;
    }
    sweptAt = now();
    for (const [name, room] of rooms) {
      for (const times of [room.arrivals, room.gone]) {
        for (const [sid, at] of times) {
          if (at + lifetimeMs <= sweptAt) {
            times.delete(sid);
          }
        }
      }
      if (room.arrivals.size === 0 && room.gone.size === 0) {
        rooms.delete(name);
      }
    }
  }
}

/** The rules of {@link ConferenceRegistry.apply}; the Redis script in redis-registry.ts is their twin. */
function note(room: Room, change: Change, now: number): void {
  switch (change.kind) {
    case 'arrived':
    case 'joined': {
      const conferenceSid = change.kind === 'joined' ? change.conferenceSid : undefined;
      if (conferenceSid !== undefined && room.gone.has(conferenceSid)) {
        leave(change.callSid);
      }
      if (room.gone.has(change.callSid)) {
        return;
      }
      const name = change.kind === 'arrived' ? change.name : undefined;
      const known = room.arrivals.get(change.callSid);
      const arrivedAt = arrivalOf(change, known);
      room.arrivals.set(change.callSid, arrivedAt);
      if (room.moderator?.callSid === change.callSid) {
        const { moderator } = room;
        moderator.arrivedAt = arrivedAt;
        moderator.conferenceSid = conferenceSid ?? moderator.conferenceSid;
        moderator.name = name ?? moderator.name;
      } else if (room.moderator === undefined || isLater(arrivedAt, room.moderator.arrivedAt)) {
        room.moderator = { callSid: change.callSid, name, arrivedAt, conferenceSid };
      }
      return;
    }
    case 'left':
      leave(change.callSid);
      return;
    case 'ended':
      room.gone.set(change.conferenceSid, now);
      if (room.moderator?.conferenceSid === change.conferenceSid) {
        leave(room.moderator.callSid);
      }
      return;
  }

  function arrivalOf({ kind, agoMs }: Change, known: number | undefined): number {
    if (kind === 'joined' && known !== undefined) {
      return known;
    }
    const latest = agoMs === 0 && kind === 'arrived' ? room.moderator?.arrivedAt : undefined;
    return Math.max(now - agoMs, known ?? -Infinity, latest ?? -Infinity);
  }

  // Of two arrivals in one millisecond the one noted last wins; a join alone proves nothing of the kind.
  function isLater(arrivedAt: number, than: number): boolean {
    return change.kind === 'arrived' ? arrivedAt >= than : arrivedAt > than;
  }

  function leave(callSid: Sid): void {
    room.gone.set(callSid, now);
    if (room.moderator?.callSid === callSid) {
      room.moderator = undefined;
    }
  }
}
