import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { ConferenceApi } from '../../signalwire/conference-api';
import { createRestClient } from '../../signalwire/rest-client';
import { authorizationOf } from '../../signalwire/rest-transport';
import type { Sid } from '../../signalwire/sid';
import { SPACE_NUMBER } from '../call';
import { serveRestApi } from '../rest-api';
import { createSpace, type Space } from '../space';

/** A request to the REST API, and its answer. */
export interface Exchange {
  method: string;
  /** With the query. */
  path: string;
  /** The form's fields; a repeated one has an array. */
  form: Record<string, string | string[]>;
  status: number;
  /** Without parameters; empty without a body. */
  contentType: string;
  /** The JSON; undefined for anything else. */
  body: unknown;
}

const UNKNOWN_SID = '3d1d0e5c-0000-4000-8000-000000000001';
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const ROOM = 'sales';
const DOCUMENT = `<Response><Dial><Conference record="record-from-start">${ROOM}</Conference></Dial></Response>`;

/**
 * What our client and the simulated REST API say to each other: every method once while there is a conference, and once
 * when all is over. Then each of these requests with a wrong token, with an unknown parameter, and for unknown resources.
 */
export async function recordExchanges(): Promise<Exchange[]> {
  const webhooks = createServer((_req, res) => res.setHeader('content-type', 'text/xml').end(DOCUMENT));
  webhooks.listen(0, '127.0.0.1');
  await once(webhooks, 'listening');
  const webhookUrl = `http://127.0.0.1:${(webhooks.address() as AddressInfo).port}/`;
  const space = createSpace({ signingKey: undefined, numbers: [{ voiceFallbackUrl: webhookUrl }] });
  const api = await serveRestApi(space);
  const exchanges: Exchange[] = [];
  try {
    const client = createRestClient(
      { url: api.url, projectId: space.accountSid, apiToken: space.apiToken },
      { timeoutMs: 30_000, now: Date.now, fetch: recordInto(exchanges) },
    );
    const steps = await stepsOf(client, space, webhookUrl);
    for (const step of Object.values(steps)) {
      await step();
    }
    await steps.endConference();
    for (const call of space.calls) {
      call.hangUp();
    }
    await space.runUntilIdle();
    for (const step of Object.values(steps)) {
      await step();
    }
    await failAgain([...exchanges], { url: api.url, space, fetch: recordInto(exchanges) });
  } finally {
    api.close();
    space.close();
    webhooks.close();
    webhooks.closeAllConnections();
  }
  return exchanges;
}

/** What to do with each method of the client, in this order. */
async function stepsOf(
  client: ConferenceApi,
  space: Space,
  url: string,
): Promise<Record<keyof ConferenceApi, () => Promise<unknown>>> {
  const enter = async (from: string) => {
    const call = space.call({ from, url });
    await space.runUntilIdle();
    return call.sid as Sid;
  };
  const [alice, bob, ted, carol] = [
    await enter('+15557788999'),
    await enter('+15550001111'),
    await enter('+15550002222'),
    await enter('+15550003333'),
  ];
  const conferenceSid = space.conferences.all()[0]?.sid as Sid;
  const numberSid = space.numbers[0]?.sid as Sid;
  const ofConference = space.conferences.recordings.all()[0]?.sid as Sid;
  let ofCall = UNKNOWN_SID as Sid;
  const newCall = { from: SPACE_NUMBER, to: '+15550004444', url, statusCallback: url };
  return {
    listConferences: async () => [await client.listConferences(), await client.listConferences(ROOM)],
    listParticipants: () => client.listParticipants(conferenceSid),
    findConference: () => client.findConference(conferenceSid),
    findParticipant: () => client.findParticipant(conferenceSid, ted),
    async changeParticipant() {
      for (const change of [
        { muted: true },
        { target: alice },
        { muted: false },
        { target: 'nobody' },
        { onHold: true },
        { announceUrl: url },
      ] as const) {
        await client.changeParticipant(conferenceSid, ted, change);
      }
    },
    removeParticipant: () => client.removeParticipant(conferenceSid, ted),
    createCall: () => client.createCall(newCall),
    findCall: () => client.findCall(bob),
    async redirectCall() {
      await client.redirectCall(bob, url);
      await space.runUntilIdle();
    },
    hangUpCall: () => client.hangUpCall(carol),
    async startRecording() {
      ofCall = (await client.startRecording(alice, { callback: url }))?.recordingSid ?? ofCall;
    },
    listRecordings: async () => [
      await client.listRecordings({ conferenceSid }),
      await client.listRecordings({ callSid: alice }),
    ],
    findRecording: () => client.findRecording(ofConference),
    async changeRecording() {
      for (const status of ['paused', 'in-progress', 'stopped'] as const) {
        await client.changeRecording({ recordingSid: ofConference, conferenceSid, callSid: undefined }, status);
        await client.changeRecording({ recordingSid: ofCall, conferenceSid: undefined, callSid: alice }, status);
      }
    },
    async downloadRecording() {
      const audio = await client.downloadRecording(ofConference);
      return audio && buffer(audio.body);
    },
    deleteRecording: () => client.deleteRecording(ofCall),
    listNumbers: () => client.listNumbers(),
    changeNumber: () => client.changeNumber(numberSid, { voiceFallbackUrl: url, voiceMethod: 'POST' }),
    findAccount: () => client.findAccount(),
    endConference: () => client.endConference(conferenceSid),
  };
}

/** Repeats each kind of request once for each mistake. */
async function failAgain(
  exchanges: readonly Exchange[],
  { url, space, fetch }: { url: string; space: Space; fetch: typeof globalThis.fetch },
): Promise<void> {
  const ours = authorizationOf({ projectId: space.accountSid, apiToken: space.apiToken });
  const wrong = authorizationOf({ projectId: 'nobody', apiToken: 'none' });
  const kinds = new Map(exchanges.map((one) => [`${one.method} ${one.path.replace(UUID, '').split('?')[0]}`, one]));
  for (const { method, path } of kinds.values()) {
    const [, account = '', resource = ''] = /^(.*\/Accounts\/[^/?.]+)([^?]*)/.exec(path) ?? [];
    const unknown = account + resource.replace(UUID, UNKNOWN_SID);
    const body = method === 'POST' ? { body: new URLSearchParams({ Unknown: '1' }) } : {};
    const query = method === 'POST' ? '' : '?Unknown=1';
    const empty = method === 'POST' ? { body: new URLSearchParams() } : {};
    const isAudio = resource.endsWith('.wav');
    // Audio needs no token.
    if (!isAudio) {
      await fetch(url + account + resource, { method, headers: { authorization: wrong }, ...empty });
    }
    await fetch(url + account + resource + query, { method, headers: { authorization: ours }, ...body });
    if (unknown !== account + resource) {
      await fetch(url + unknown, { method, headers: { authorization: ours }, ...empty });
    }
  }
}

/** A `fetch` that records what it sent and received. */
function recordInto(exchanges: Exchange[]): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const { pathname, search } = new URL(String(input));
    const text = await response.clone().text();
    const contentType = response.headers.get('content-type')?.split(';')[0] ?? '';
    exchanges.push({
      method: init?.method ?? 'GET',
      path: pathname + search,
      form: init?.body instanceof URLSearchParams ? fieldsOf(init.body) : {},
      status: response.status,
      contentType,
      body: contentType === 'application/json' ? JSON.parse(text) : undefined,
    });
    return response;
  };
}

/** Fields by name; a repeated one has an array. */
export function fieldsOf(parameters: URLSearchParams): Record<string, string | string[]> {
  const valuesOf = (name: string) => parameters.getAll(name);
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => [
      name,
      valuesOf(name).length > 1 ? valuesOf(name) : (parameters.get(name) ?? ''),
    ]),
  );
}
