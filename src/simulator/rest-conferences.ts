import type { Router } from 'express';
import type { Conference } from './conferences';
import type { RestContext } from './rest-context';
import { INVALID, RestError } from './rest-error';
import { inputs, readInput, refuseParameters } from './rest-inputs';
import { matches } from './rest-lookup';

/** Routes of conferences and their participants. */
export function addConferenceRoutes(api: Router, { space, find, show }: RestContext): void {
  const { conferences } = space;

  api.get('/Conferences', (req, res) => {
    const { FriendlyName, Status } = readInput(inputs.conferences, req.query);
    const matching = conferences.all().filter((one) => matches(one, { name: FriendlyName, status: Status }));
    res.json(show.page(req, 'conferences', matching, show.conference));
  });
  api.get('/Conferences/:conferenceSid', (req, res) => {
    refuseParameters(req.query, 400);
    res.json(show.conference(find.conference(req)));
  });
  api.post('/Conferences/:conferenceSid', (req, res) => {
    const { Status, AnnounceUrl, AnnounceMethod } = readInput(inputs.conference, req.body);
    const conference = find.conference(req);
    if (Status !== undefined && Status !== 'completed') {
      throw new RestError(422, 21_475, 'Status must be completed.');
    }
    requireLive(conference);
    if (!res.locals.isIgnored) {
      if (AnnounceUrl !== undefined) {
        conferences.announce(conference, { url: AnnounceUrl, method: AnnounceMethod });
      }
      if (Status === 'completed') {
        conferences.end(conference);
      }
    }
    res.json(show.conference({ ...conference, status: Status ?? conference.status }));
  });

  api.get('/Conferences/:conferenceSid/Participants', (req, res) => {
    const { Muted, Hold } = readInput(inputs.participants, req.query);
    const matching = find.conference(req).participants.filter((one) => matches(one, { muted: Muted, hold: Hold }));
    res.json(show.page(req, 'participants', matching, show.participant));
  });
  api.get('/Conferences/:conferenceSid/Participants/:callSid', (req, res) => {
    refuseParameters(req.query, 400);
    res.json(show.participant(find.participant(req)));
  });
  api.post('/Conferences/:conferenceSid/Participants/:callSid', (req, res) => {
    const update = readInput(inputs.participant, req.body);
    requireLive(find.conference(req));
    const participant = find.participant(req);
    const { Muted, Hold, Coaching, CallSidToCoach: target } = update;
    const { participants } = participant.conference;
    const canCoach = participants.some(({ callSid }) => callSid === target && callSid !== participant.callSid);
    if (target !== undefined && Coaching !== false && !canCoach) {
      throw new RestError(422, 16_002, 'CallSidToCoach is not in this conference.');
    }
    const changes = {
      ...(Muted !== undefined && { muted: Muted }),
      ...(Hold !== undefined && { hold: Hold }),
      ...((Coaching !== undefined || target !== undefined) && {
        callSidToCoach: Coaching === false ? undefined : target,
      }),
    };
    if (res.locals.isIgnored) {
      res.json(show.participant({ ...participant, ...changes }));
      return;
    }
    conferences.update(participant, changes);
    if (update.HoldUrl !== undefined) {
      conferences.checkMusic(participant.leg, { url: update.HoldUrl, method: update.HoldMethod });
    }
    if (update.WaitUrl !== undefined && participant.conference.status === 'init') {
      conferences.checkMusic(participant.leg, { url: update.WaitUrl, method: update.WaitMethod });
    }
    if (update.AnnounceUrl !== undefined) {
      conferences.announce(participant, { url: update.AnnounceUrl, method: update.AnnounceMethod });
    }
    res.json(show.participant(participant));
  });
  api.delete('/Conferences/:conferenceSid/Participants/:callSid', (req, res) => {
    const participant = find.participant(req);
    if (!res.locals.isIgnored) {
      conferences.leave(participant);
    }
    res.status(204).end();
  });
}

/** @throws RestError if the conference is over, because then nothing in it can be changed */
function requireLive({ status }: Conference): void {
  if (status === 'completed') {
    throw new RestError(422, INVALID, 'The conference is over.');
  }
}
