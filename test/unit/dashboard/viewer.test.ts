import { expect, it } from '@jest/globals';
import { actorOfPerson, personActor } from '../../../src/dashboard/viewer';
import { moderator, screenRoster, supervisor } from '../../support/screen';

it.each(['Ted', 'supervisor Ted', 'Zoë\n李小龍'])(
  'somebody who acts is found again by the actor’s name: %j',
  (name) => {
    const roster = screenRoster();
    const [ted, alice] = [supervisor({ name }), moderator({ name })];
    roster.replace({ supervisors: [{ ...ted, rights: new Set(['see', 'coach']) }], moderators: [alice] });
    expect(actorOfPerson(roster, `supervisor ${name}`)).toEqual({
      name: `supervisor ${name}`,
      rights: new Set(['see', 'coach']),
      rooms: 'all',
    });
    expect(actorOfPerson(roster, `moderator ${name}`)).toEqual(personActor(name, { role: 'moderator', person: alice }));
    expect(personActor(name, { role: 'moderator', person: alice }).rights).toEqual(new Set());
    roster.replace({ supervisors: [], moderators: [] });
    expect(actorOfPerson(roster, `supervisor ${name}`)).toBeUndefined();
  },
);

it.each(['token wallboard', 'token supervisor Ted', 'Ted', 'supervisor', 'supervisor ', 'Supervisor Ted', ''])(
  'nobody acts as %j',
  (name) => {
    expect(actorOfPerson(screenRoster(), name)).toBeUndefined();
  },
);
