import type { Mode } from '../../src/rooms/mode';
import type { Space } from '../../src/simulator/space';

/** Who somebody on a call is. */
export interface Part {
  role: 'moderator' | 'caller' | 'supervisor';
  mode?: Mode;
}

/** A period in which a supervisor was in a conference, as the Space had it. Instants are simulated milliseconds. */
export interface Period {
  callSid: string;
  room: string;
  conferenceSid: string;
  start: number;
  /** Undefined while it goes on. */
  end: number | undefined;
  /** How they were heard, whom they coached, and since when; the first from the start. */
  heard: { at: number; mode: Mode; coaches: string | undefined }[];
  /** Whose conversation they chose to speak in, if they came as one who barges. */
  bargedInto: string | undefined;
}

/** Watches a Space: who is in where, and who is heard by whom that should not. */
export class Watcher {
  readonly parts = new Map<string, Part>();
  readonly periods: Period[] = [];
  private readonly breaches = new Map<string, number>();
  /** The longest that anybody heard what they should not, in simulated milliseconds, and what it was. */
  longest = { ms: -1, what: '' };
  heard = { whispers: 0, barges: 0, listens: 0 };

  /** @param canMute whether the server has REST: without it, nobody mutes a barger when another agent joins */
  constructor(
    private readonly space: Space,
    private readonly canMute: boolean,
  ) {}

  /** Looks at this moment. */
  look(): void {
    this.lookAtPeriods();
    const present = new Set<string>();
    for (const [listener, { voices }] of this.space.hearing()) {
      const role = this.parts.get(listener.sid)?.role;
      for (const voice of voices) {
        if (this.parts.get(voice)?.role === 'supervisor') {
          const what = this.findBreach(role, voice);
          if (what !== undefined) {
            present.add(`${listener.sid} ${voice} ${what}`);
          }
        }
        this.heard.listens += Number(role === 'supervisor');
      }
    }
    const now = this.space.clock.now();
    for (const breach of this.breaches.keys()) {
      if (!present.has(breach)) {
        this.breaches.delete(breach);
      }
    }
    for (const breach of present) {
      const since = this.breaches.get(breach) ?? now;
      this.breaches.set(breach, since);
      if (now - since > this.longest.ms) {
        this.longest = { ms: now - since, what: breach };
      }
    }
  }

  private lookAtPeriods(): void {
    const now = this.space.clock.now();
    for (const [callSid, { role }] of this.parts) {
      if (role !== 'supervisor') {
        continue;
      }
      const place = this.space.conferences.participant(callSid);
      const open = this.periods.findLast((period) => period.callSid === callSid && period.end === undefined);
      if (open !== undefined && open.conferenceSid !== place?.conference.sid) {
        open.end = now;
      }
      if (place === undefined) {
        continue;
      }
      const coaches = place.callSidToCoach;
      const mode = place.muted ? 'monitor' : coaches === undefined ? 'barge' : 'coach';
      if (open === undefined || open.end !== undefined) {
        this.periods.push({
          callSid,
          room: place.conference.name,
          conferenceSid: place.conference.sid,
          start: now,
          end: undefined,
          heard: [{ at: now, mode, coaches }],
          bargedInto: mode === 'barge' ? this.leaderOf(callSid) : undefined,
        });
      } else if (open.heard.at(-1)?.mode !== mode || open.heard.at(-1)?.coaches !== coaches) {
        open.heard.push({ at: now, mode, coaches });
      }
    }
  }

  /** The moderator who entered a supervisor's conference last. */
  private leaderOf(callSid: string): string | undefined {
    const participants = this.space.conferences.participant(callSid)?.conference.participants ?? [];
    return participants.findLast((one) => this.parts.get(one.callSid)?.role === 'moderator')?.callSid;
  }

  private findBreach(listener: Part['role'] | undefined, supervisor: string): string | undefined {
    const place = this.space.conferences.participant(supervisor);
    const period = this.periods.findLast(({ callSid }) => callSid === supervisor);
    if (place?.muted) {
      return 'one who is muted is heard';
    }
    const isBarging = place?.callSidToCoach === undefined;
    const isSameLeader = !this.canMute || period?.bargedInto === this.leaderOf(supervisor);
    const hasChosen = isBarging && period?.bargedInto !== undefined && isSameLeader;
    this.heard.barges += Number(hasChosen);
    this.heard.whispers += Number(!isBarging && listener === 'moderator');
    if (listener !== 'caller' || hasChosen) {
      return undefined;
    }
    return isBarging ? 'barges where they did not choose to' : 'a coach is heard by a caller';
  }
}
