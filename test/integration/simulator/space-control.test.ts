import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ConferenceApi, ParticipantChange } from '../../../src/signalwire/conference-api';
import { createRestClient } from '../../../src/signalwire/rest-client';
import { parseSid, type Sid } from '../../../src/signalwire/sid';
import type { Call } from '../../../src/simulator/call';
import { serveRestApi } from '../../../src/simulator/rest-api';
import { createSpace, type Space } from '../../../src/simulator/space';
import { onTestFinished } from '../../support/on-test-finished';
import { type Answer, type ScriptedServer, startScriptedServer } from '../../support/scripted-server';
import { LONG_TIMEOUTS } from '../../support/test-bench';

const NOW = Date.parse('2026-01-02T10:00:00Z');
const NO_SUCH = parseSid('3d1d0e5c-0000-4000-8000-000000000001') as Sid;

const ROLES = {
  moderator: 'startConferenceOnEnter="true" endConferenceOnExit="true"',
  caller: 'startConferenceOnEnter="false"',
  coach: 'startConferenceOnEnter="false"',
};

/** A place in the room that the query names, coaching the call that it names. */
const enterAs =
  (role: keyof typeof ROLES): Answer =>
  (res, { path }) => {
    const { searchParams } = new URL(path, 'http://localhost');
    const coach = searchParams.get('coach');
    const attributes = ROLES[role] + (coach === null ? '' : ` coach="${coach}"`);
    const dial = `<Dial><Conference ${attributes} beep="false">${searchParams.get('room')}</Conference></Dial>`;
    res.writeHead(200, { 'content-type': 'text/xml' }).end(`<Response>${dial}</Response>`);
  };

let server: ScriptedServer;
let space: Space;
let client: ConferenceApi;

beforeEach(async () => {
  server = await startScriptedServer({
    '/moderator': enterAs('moderator'),
    '/caller': enterAs('caller'),
    '/coach': enterAs('coach'),
    '/notice': '<Say>You only listen now.</Say>',
  });
  const started: Space = createSpace({
    signingKey: undefined,
    timeouts: LONG_TIMEOUTS,
    wallClock: () => NOW + started.clock.now(),
  });
  space = started;
  onTestFinished(() => started.close());
  const { url, close } = await serveRestApi(started);
  onTestFinished(close);
  client = createRestClient(
    { url, projectId: started.accountSid, apiToken: started.apiToken },
    { timeoutMs: 10_000, now: started.wallClock },
  );
});

const sidOf = ({ sid }: Call) => parseSid(sid) as Sid;

/** Somebody dials; they are in the room when the Space is idle. */
function dial(role: keyof typeof ROLES, room = 'a', coach?: Call): Call {
  const query = new URLSearchParams({ room, ...(coach && { coach: coach.sid }) });
  return space.call({ from: undefined, url: `${server.url}/${role}?${query}` });
}

async function enter(role: keyof typeof ROLES, room = 'a', coach?: Call): Promise<Call> {
  const call = dial(role, room, coach);
  await space.runUntilIdle();
  return call;
}

/** Bob and Alice, who moderates, in a room, with Ted, who coaches her. */
async function talk(room = 'a') {
  const bob = await enter('caller', room);
  const alice = await enter('moderator', room);
  const ted = await enter('coach', room, alice);
  return { bob, alice, ted };
}

/** Who hears a call now. */
function hearersOf(call: Call): Call[] {
  return [...space.hearing()].filter(([, { voices }]) => voices.includes(call.sid)).map(([hearer]) => hearer);
}

describe('conferences, participants and calls', () => {
  const conferenceOf = (call: Call) => parseSid(String(space.conferences.participant(call.sid)?.conference.sid)) as Sid;

  /** A room where Bob, Alice and Ted talk. */
  async function talkIn(room = 'a') {
    const people = await talk(room);
    return { ...people, conferenceSid: conferenceOf(people.alice) };
  }

  it('lists live conferences', async () => {
    const { conferenceSid: ended, alice } = await talkIn('over');
    const waiting = await enter('caller', 'b 2');
    await space.clock.advance(60_000);
    const { conferenceSid } = await talkIn('a');
    alice.hangUp();
    await space.runUntilIdle();
    const b2 = { conferenceSid: conferenceOf(waiting), room: 'b 2', hasStarted: false, ageMs: 60_000 };
    expect(await client.listConferences()).toEqual([b2, expect.objectContaining({ conferenceSid, hasStarted: true })]);
    expect(await client.listConferences('b 2')).toEqual([b2]);
    expect(await client.listConferences('over')).toEqual([]);
    expect(await client.listParticipants(ended)).toBeUndefined();
    expect(await client.listParticipants(NO_SUCH)).toBeUndefined();
  });

  it('lists the participants of a conference', async () => {
    const { conferenceSid, bob, alice, ted } = await talkIn();
    await space.clock.advance(5_000);
    const common = { conferenceSid, isMuted: false, isOnHold: false, joinAgeMs: 5_000 };
    const caller = { target: undefined, isCoaching: false, endsConference: false };
    const coach = { ...common, ...caller, callSid: ted.sid, target: alice.sid, isCoaching: true };
    expect(await client.listParticipants(conferenceSid)).toEqual([
      { ...common, ...caller, callSid: bob.sid },
      { ...common, ...caller, callSid: alice.sid, endsConference: true },
      coach,
    ]);
    expect(await client.findParticipant(conferenceSid, sidOf(ted))).toEqual(coach);
    expect(await client.findParticipant(conferenceSid, NO_SUCH)).toBeUndefined();
  });

  it('changes a participant', async () => {
    const { conferenceSid, bob, alice, ted } = await talkIn();
    const change = (to: ParticipantChange) => client.changeParticipant(conferenceSid, sidOf(ted), to);
    expect(await change({ muted: true })).toMatchObject({ isMuted: true, target: alice.sid });
    expect(hearersOf(ted)).toEqual([]);
    expect(await change({ muted: false, target: sidOf(bob) })).toMatchObject({ isMuted: false, target: bob.sid });
    expect(hearersOf(ted)).toEqual([bob]);
    expect(await change({ target: sidOf(alice) })).toMatchObject({ isCoaching: true, target: alice.sid });
    expect(hearersOf(ted)).toEqual([alice]);
    await expect(change({ target: NO_SUCH })).rejects.toMatchObject({
      code: 'refused',
      status: 422,
      spaceCode: 16_002,
    });
    expect(hearersOf(ted)).toEqual([alice]);
    expect(await change({ announceUrl: `${server.url}/notice` })).toMatchObject({ callSid: ted.sid });
    await space.clock.settle();
    expect(ted.told).toEqual(['You only listen now.']);
    expect(server.asked.at(-1)).toMatchObject({ method: 'POST', path: '/notice' });
  });

  it('removes a participant', async () => {
    const { conferenceSid, bob, alice, ted } = await talkIn();
    expect(await client.removeParticipant(conferenceSid, sidOf(ted))).toBe(true);
    await space.runUntilIdle();
    expect(hearersOf(alice)).toEqual([bob]);
    expect(await client.removeParticipant(conferenceSid, sidOf(ted))).toBe(false);
    expect(await client.changeParticipant(conferenceSid, sidOf(ted), { muted: true })).toBeUndefined();
  });

  it('finds a call, and redirects it while it is live', async () => {
    const { conferenceSid, ted } = await talkIn();
    const elsewhere = `${server.url}/coach?room=b`;
    expect(await client.findCall(sidOf(ted))).toMatchObject({ callSid: ted.sid, isOver: false, direction: 'inbound' });
    expect(await client.redirectCall(sidOf(ted), elsewhere)).toBe(true);
    await space.runUntilIdle();
    expect(server.asked.at(-1)).toMatchObject({ method: 'POST', path: '/coach?room=b' });
    expect(conferenceOf(ted)).not.toBe(conferenceSid);
    ted.hangUp();
    await space.runUntilIdle();
    expect(await client.findCall(sidOf(ted))).toMatchObject({ isOver: true });
    expect(await client.redirectCall(sidOf(ted), elsewhere)).toBe(false);
    expect(await client.redirectCall(NO_SUCH, elsewhere)).toBe(false);
    expect(await client.findCall(NO_SUCH)).toBeUndefined();
  });
});
