import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseSid, type Sid } from '../../../src/signalwire/sid';
import { createSpaceClient, type ParticipantChange, type SpaceClient } from '../../../src/signalwire/space-client';
import type { Call } from '../../../src/simulator/call';
import { serveRestApi } from '../../../src/simulator/rest-api';
import { createSpace, type Space } from '../../../src/simulator/space';
import { atEnd } from '../../support/at-end';
import { UNHURRIED } from '../../support/desk';
import { type Answer, type ScriptedServer, startScriptedServer } from '../../support/scripted-server';

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
let client: SpaceClient;

beforeEach(async () => {
  server = await startScriptedServer({
    '/moderator': enterAs('moderator'),
    '/caller': enterAs('caller'),
    '/coach': enterAs('coach'),
    '/notice': '<Say>You only listen now.</Say>',
  });
  const started: Space = createSpace({
    signingKey: undefined,
    patience: UNHURRIED,
    wallClock: () => NOW + started.clock.now(),
  });
  space = started;
  atEnd(() => started.close());
  const { url, close } = await serveRestApi(started);
  atEnd(close);
  client = createSpaceClient(
    { url, projectId: started.accountSid, apiToken: started.apiToken },
    { timeoutMs: 10_000, now: started.wallClock },
  );
});

const sidOf = ({ sid }: Call) => parseSid(sid) as Sid;

/** Somebody dials; they are in the room when the Space has come to rest. */
function dial(role: keyof typeof ROLES, room = 'a', coach?: Call): Call {
  const query = new URLSearchParams({ room, ...(coach && { coach: coach.sid }) });
  return space.call({ from: undefined, url: `${server.url}/${role}?${query}` });
}

async function enter(role: keyof typeof ROLES, room = 'a', coach?: Call): Promise<Call> {
  const call = dial(role, room, coach);
  await space.rest();
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

const stateOf = ({ sid }: Call) => {
  const { muted, callSidToCoach } = space.conferences.of(sid) ?? {};
  return { muted, callSidToCoach };
};

/** What comes of silencing somebody who was heard. */
const SILENCED = { wasHeard: true, isMuted: true, isLed: true };

const conferenceSidOf = (room: string) => space.conferences.all().findLast(({ name }) => name === room)?.sid;

describe('silence', () => {
  it('mutes a coach, and makes them coach the moderator of this moment', async () => {
    const { alice, ted } = await talk();
    const anna = await enter('moderator');
    expect(hearersOf(ted)).toEqual([alice]);
    expect(await client.silence('a', sidOf(ted), sidOf(anna))).toEqual(SILENCED);
    expect(hearersOf(ted)).toEqual([]);
    expect(stateOf(ted)).toEqual({ muted: true, callSidToCoach: anna.sid });
  });

  it('does nothing when all is so already', async () => {
    const { alice, ted } = await talk();
    expect(await client.silence('a', sidOf(ted), sidOf(alice))).toEqual(SILENCED);
    const { updatedAt } = space.conferences.of(ted.sid) ?? {};
    await space.clock.advance(5_000);
    expect(await client.silence('a', sidOf(ted), sidOf(alice))).toEqual({ ...SILENCED, wasHeard: false });
    expect(await client.silence('a', sidOf(ted), undefined)).toEqual({ ...SILENCED, wasHeard: false });
    expect(space.conferences.of(ted.sid)?.updatedAt).toBe(updatedAt);
    expect(stateOf(ted)).toEqual({ muted: true, callSidToCoach: alice.sid });
  });

  it('makes one who is muted already coach another, and says that nobody heard them', async () => {
    const { alice, ted } = await talk();
    await client.silence('a', sidOf(ted), sidOf(alice));
    const anna = await enter('moderator');
    expect(await client.silence('a', sidOf(ted), sidOf(anna))).toEqual({ ...SILENCED, wasHeard: false });
    expect(stateOf(ted)).toEqual({ muted: true, callSidToCoach: anna.sid });
  });

  it('makes one who was heard by all coach', async () => {
    const { alice } = await talk();
    const tess = await enter('coach');
    expect(hearersOf(tess)).toHaveLength(3);
    expect(await client.silence('a', sidOf(tess), sidOf(alice))).toEqual(SILENCED);
    expect(stateOf(tess)).toEqual({ muted: true, callSidToCoach: alice.sid });
  });

  it('leaves whom they coach as it is without a target', async () => {
    const { alice, ted } = await talk();
    expect(await client.silence('a', sidOf(ted), undefined)).toEqual(SILENCED);
    expect(hearersOf(ted)).toEqual([]);
    expect(stateOf(ted)).toEqual({ muted: true, callSidToCoach: alice.sid });
  });

  it.each<[string, (elsewhere: Call) => Sid]>([
    ['nowhere', () => NO_SUCH],
    ['in another room', sidOf],
  ])('mutes also when the target is %s, and says that not all is as it should be', async (_where, targetOf) => {
    const { alice, ted } = await talk();
    const elsewhere = await enter('moderator', 'b');
    expect(await client.silence('a', sidOf(ted), targetOf(elsewhere))).toEqual({ ...SILENCED, isLed: false });
    expect(hearersOf(ted)).toEqual([]);
    expect(stateOf(ted)).toEqual({ muted: true, callSidToCoach: alice.sid });
  });

  it('touches nobody else', async () => {
    const { alice, bob, ted } = await talk();
    await client.silence('a', sidOf(ted), sidOf(alice));
    expect(hearersOf(alice)).toEqual([bob, ted]);
    expect(hearersOf(bob)).toEqual([alice, ted]);
  });

  it.each<[string, (elsewhere: Call) => [string, Sid]]>([
    ['a call that is nowhere', () => ['a', NO_SUCH]],
    ['a call that is in another room', (elsewhere) => ['a', sidOf(elsewhere)]],
    ['a room that nobody is in', (elsewhere) => ['c', sidOf(elsewhere)]],
  ])('knows nothing of %s', async (_what, about) => {
    const { alice } = await talk();
    const { ted: elsewhere } = await talk('b');
    const [room, callSid] = about(elsewhere);
    expect(await client.silence(room, callSid, sidOf(alice))).toBeUndefined();
    expect(stateOf(elsewhere).muted).toBe(false);
  });

  it('knows nothing of a call that has left, or whose conference has ended', async () => {
    const { alice, ted } = await talk();
    const tess = await enter('coach', 'a', alice);
    tess.hangUp();
    await space.rest();
    expect(await client.silence('a', sidOf(tess), sidOf(alice))).toBeUndefined();
    alice.hangUp();
    await space.rest();
    expect(await client.silence('a', sidOf(ted), sidOf(alice))).toBeUndefined();
  });
});

describe('remove', () => {
  const isIn = ({ sid }: Call) => space.conferences.of(sid) !== undefined;

  it('takes one participant out of a running conference, and nobody else', async () => {
    const { alice, bob, ted } = await talk();
    expect(await client.remove('a', sidOf(ted))).toBeUndefined();
    await space.rest();
    expect([alice, bob, ted].map(isIn)).toEqual([true, true, false]);
    expect(hearersOf(alice)).toEqual([bob]);
    await client.remove('a', sidOf(ted));
    expect([alice, bob].map(isIn)).toEqual([true, true]);
  });

  it('takes one out of a conference that has not begun', async () => {
    const bob = await enter('caller');
    const ted = await enter('coach');
    expect([bob, ted].map(isIn)).toEqual([true, true]);
    await client.remove('a', sidOf(ted));
    await space.rest();
    expect([bob, ted].map(isIn)).toEqual([true, false]);
  });

  it.each<[string, (elsewhere: Call) => [string, Sid]]>([
    ['a call that is nowhere', () => ['a', NO_SUCH]],
    ['a call that is in another room', (elsewhere) => ['a', sidOf(elsewhere)]],
    ['a room that nobody is in', (elsewhere) => ['c', sidOf(elsewhere)]],
  ])('does nothing about %s', async (_what, about) => {
    const { alice, bob, ted } = await talk();
    const { ted: elsewhere } = await talk('b');
    const [room, callSid] = about(elsewhere);
    expect(await client.remove(room, callSid)).toBeUndefined();
    await space.rest();
    expect([alice, bob, ted, elsewhere].map(isIn)).toEqual([true, true, true, true]);
  });

  it('does nothing about a call whose conference has ended', async () => {
    const { alice, ted } = await talk();
    alice.hangUp();
    await space.rest();
    expect(await client.remove('a', sidOf(ted))).toBeUndefined();
  });
});

describe('announce', () => {
  it('is heard by one participant alone', async () => {
    const { alice, bob, ted } = await talk();
    expect(await client.announce('a', sidOf(ted), `${server.url}/notice`)).toBe(true);
    await space.clock.settle();
    expect([alice.told, bob.told, ted.told]).toEqual([[], [], ['You only listen now.']]);
    expect(server.asked.at(-1)).toMatchObject({ method: 'POST', path: '/notice' });
    expect(stateOf(ted)).toEqual({ muted: false, callSidToCoach: alice.sid });
  });

  it.each<[string, (elsewhere: Call) => [string, Sid]]>([
    ['a call that is nowhere', () => ['a', NO_SUCH]],
    ['a call that is in another room', (elsewhere) => ['a', sidOf(elsewhere)]],
    ['a room that nobody is in', (elsewhere) => ['c', sidOf(elsewhere)]],
  ])('tells that it reached nobody: %s', async (_what, about) => {
    await talk();
    const { ted: elsewhere } = await talk('b');
    const [room, callSid] = about(elsewhere);
    expect(await client.announce(room, callSid, `${server.url}/notice`)).toBe(false);
    await space.clock.settle();
    expect(server.askedOf('/notice')).toEqual([]);
  });

  it('tells that it reached nobody where the conference has not begun', async () => {
    const bob = await enter('caller');
    expect(await client.announce('a', sidOf(bob), `${server.url}/notice`)).toBe(false);
    await space.clock.settle();
    expect(bob.told).toEqual([]);
  });
});

describe('listModerators', () => {
  it('names the moderator of every running conference, and how long ago they entered', async () => {
    const { alice } = await talk('a');
    await space.clock.advance(60_000);
    const { alice: anna } = await talk('b 2');
    await enter('caller', 'not begun');
    const { alice: gone } = await talk('over');
    gone.hangUp();
    await space.rest();
    await space.clock.advance(1_000);
    const found = await client.listModerators();
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        { room: 'a', callSid: alice.sid, conferenceSid: conferenceSidOf('a'), enteredAgoMs: 61_000 },
        { room: 'b 2', callSid: anna.sid, conferenceSid: conferenceSidOf('b 2'), enteredAgoMs: 1_000 },
      ]),
    );
  });

  it('names nobody while there is no conference', async () => {
    expect(await client.listModerators()).toEqual([]);
  });

  it('names the last to enter of several moderators', async () => {
    await talk();
    await space.clock.advance(60_000);
    const anna = await enter('moderator');
    expect(await client.listModerators()).toMatchObject([{ room: 'a', callSid: anna.sid }]);
  });

  it('names those of more conferences than fit in one page', async () => {
    const rooms = Array.from({ length: 51 }, (_, index) => `room ${index}`);
    for (const room of rooms) {
      dial('caller', room);
    }
    await space.rest();
    const moderators = rooms.map((room) => dial('moderator', room).sid);
    await space.rest();
    const found = await client.listModerators();
    expect(found.map(({ room }) => room).sort()).toEqual([...rooms].sort());
    expect(found.map(({ callSid }) => callSid).sort()).toEqual([...moderators].sort());
  });
});

describe('conferences, participants and calls', () => {
  const conferenceOf = (call: Call) => parseSid(String(space.conferences.of(call.sid)?.conference.sid)) as Sid;

  /** A room where Bob, Alice and Ted talk. */
  async function talkIn(room = 'a') {
    const people = await talk(room);
    return { ...people, conferenceSid: conferenceOf(people.alice) };
  }

  it('lists the conferences that are not over', async () => {
    const { conferenceSid: ended, alice } = await talkIn('over');
    const waiting = await enter('caller', 'b 2');
    await space.clock.advance(60_000);
    const { conferenceSid } = await talkIn('a');
    alice.hangUp();
    await space.rest();
    const b2 = { conferenceSid: conferenceOf(waiting), room: 'b 2', hasStarted: false, createdAgoMs: 60_000 };
    expect(await client.listConferences()).toEqual([b2, expect.objectContaining({ conferenceSid, hasStarted: true })]);
    expect(await client.listConferences('b 2')).toEqual([b2]);
    expect(await client.listConferences('over')).toEqual([]);
    expect(await client.listParticipants(ended)).toBeUndefined();
    expect(await client.listParticipants(NO_SUCH)).toBeUndefined();
  });

  it('lists the participants of a conference', async () => {
    const { conferenceSid, bob, alice, ted } = await talkIn();
    await space.clock.advance(5_000);
    const common = { conferenceSid, isMuted: false, isOnHold: false, joinedAgoMs: 5_000 };
    const caller = { target: undefined, isCoaching: false, endsConference: false, startsConference: false };
    const coach = { ...common, ...caller, callSid: ted.sid, target: alice.sid, isCoaching: true };
    expect(await client.listParticipants(conferenceSid)).toEqual([
      { ...common, ...caller, callSid: bob.sid },
      { ...common, ...caller, callSid: alice.sid, endsConference: true, startsConference: true },
      coach,
    ]);
    expect(await client.findParticipant(conferenceSid, sidOf(ted))).toEqual(coach);
    expect(await client.findParticipant(conferenceSid, NO_SUCH)).toBeUndefined();
  });

  it('changes who hears a participant', async () => {
    const { conferenceSid, bob, alice, ted } = await talkIn();
    const change = (to: ParticipantChange) => client.changeParticipant(conferenceSid, sidOf(ted), to);
    expect(await change({ muted: true })).toMatchObject({ isMuted: true, target: alice.sid });
    expect(hearersOf(ted)).toEqual([]);
    expect(await change({ muted: false, target: 'nobody' })).toMatchObject({ isMuted: false, isCoaching: false });
    expect(hearersOf(ted)).toEqual([bob, alice]);
    expect(await change({ target: sidOf(alice) })).toMatchObject({ isCoaching: true, target: alice.sid });
    expect(hearersOf(ted)).toEqual([alice]);
    await expect(change({ target: NO_SUCH })).rejects.toMatchObject({
      code: 'refused',
      status: 400,
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
    await space.rest();
    expect(hearersOf(alice)).toEqual([bob]);
    expect(await client.removeParticipant(conferenceSid, sidOf(ted))).toBe(false);
    expect(await client.changeParticipant(conferenceSid, sidOf(ted), { muted: true })).toBeUndefined();
  });

  it('finds a call, and redirects it until it is over', async () => {
    const { conferenceSid, ted } = await talkIn();
    const elsewhere = `${server.url}/coach?room=b`;
    expect(await client.findCall(sidOf(ted))).toMatchObject({ callSid: ted.sid, isOver: false, direction: 'inbound' });
    expect(await client.redirectCall(sidOf(ted), elsewhere)).toBe(true);
    await space.rest();
    expect(server.asked.at(-1)).toMatchObject({ method: 'POST', path: '/coach?room=b' });
    expect(conferenceOf(ted)).not.toBe(conferenceSid);
    ted.hangUp();
    await space.rest();
    expect(await client.findCall(sidOf(ted))).toMatchObject({ isOver: true });
    expect(await client.redirectCall(sidOf(ted), elsewhere)).toBe(false);
    expect(await client.redirectCall(NO_SUCH, elsewhere)).toBe(false);
    expect(await client.findCall(NO_SUCH)).toBeUndefined();
  });
});
