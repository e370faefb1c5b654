import type { Request } from 'express';
import { type Call, durationOfCall } from './call';
import type { Conference, Participant } from './conferences';
import type { PhoneNumber } from './phone-numbers';
import { isFinished, type Recording, sourceOf } from './recordings';
import { RestError } from './rest-error';
import { DEFAULT_PAGE_SIZE } from './rest-inputs';
import type { Space } from './space';

/** The documented measures of a call's audio quality, which is not simulated. */
const NO_QUALITY = {
  audio_in_mos: null,
  audio_rtt_avg: null,
  audio_rtt_min: null,
  audio_rtt_max: null,
  audio_out_jitter_min: null,
  audio_out_jitter_max: null,
  audio_out_jitter_avg: null,
  audio_out_lost: null,
};

/** The resources of an account that SignalWire does not have. */
const NO_SUBRESOURCES = {
  addresses: null,
  authorized_connect_apps: null,
  connect_apps: null,
  keys: null,
  notifications: null,
  outgoing_caller_ids: null,
  sandbox: null,
  sip: null,
  short_codes: null,
  usage: null,
};

/** The representations of resources, with the documented fields. */
export type RestResources = ReturnType<typeof createRestResources>;

/** @param root the path of the account */
export function createRestResources(space: Space, root: string) {
  function common(sid: string, createdAt: number, updatedAt: number) {
    return {
      sid,
      account_sid: space.accountSid,
      api_version: '2010-04-01',
      date_created: space.dateOf(createdAt),
      date_updated: space.dateOf(updatedAt),
    };
  }

  function conference(one: Conference) {
    const path = `${root}/Conferences/${one.sid}`;
    return {
      ...common(one.sid, one.createdAt, one.updatedAt),
      friendly_name: one.name,
      status: one.status,
      region: 'us1',
      uri: `${path}.json`,
      subresource_uris: { participants: `${path}/Participants.json`, recordings: `${path}/Recordings.json` },
    };
  }

  function participant(one: Participant) {
    const { callSid, conference } = one;
    return {
      account_sid: space.accountSid,
      call_sid: callSid,
      call_sid_to_coach: one.callSidToCoach ?? null,
      coaching: one.callSidToCoach !== undefined,
      conference_sid: conference.sid,
      date_created: space.dateOf(one.enteredAt),
      date_updated: space.dateOf(one.updatedAt),
      end_conference_on_exit: one.endConferenceOnExit,
      hold: one.hold,
      muted: one.muted,
      start_conference_on_enter: one.startConferenceOnEnter,
      status: 'in-progress',
      uri: `${root}/Conferences/${conference.sid}/Participants/${callSid}.json`,
    };
  }

  function call(one: Call) {
    const { from = '', to } = one;
    const path = `${root}/Calls/${one.sid}`;
    return {
      ...common(one.sid, one.startedAt, one.updatedAt),
      // Webhooks say outbound-api or outbound-dial.
      direction: one.direction === 'inbound' ? 'inbound' : 'outbound',
      from,
      formatted_from: formatNumber(from),
      from_formatted: formatNumber(from),
      to,
      formatted_to: formatNumber(to),
      to_formatted: formatNumber(to),
      status: one.status,
      start_time: space.dateOf(one.startedAt),
      end_time: one.isOver ? space.dateOf(one.updatedAt) : null,
      duration: durationOfCall(one),
      price: null,
      price_unit: 'USD',
      parent_call_sid: null,
      phone_number_sid: null,
      answered_by: null,
      forwarded_from: null,
      caller_name: null,
      annotation: null,
      group_sid: null,
      sip_result_code: null,
      ...NO_QUALITY,
      uri: `${path}.json`,
      subresource_uris: { notifications: null, recordings: `${path}/Recordings.json` },
    };
  }

  function recording(one: Recording) {
    const path =
      one.conferenceSid === undefined
        ? `${root}/Recordings/${one.sid}`
        : `${root}/Conferences/${one.conferenceSid}/Recordings/${one.sid}`;
    return {
      ...common(one.sid, one.startedAt, one.updatedAt),
      call_sid: one.callSid ?? null,
      conference_sid: one.conferenceSid ?? null,
      channel: '1',
      channels: '1',
      duration: space.conferences.recordings.durationOf(one),
      source: sourceOf(one),
      start_time: space.dateOf(one.startedAt),
      end_time: isFinished(one) ? space.dateOf(one.updatedAt) : null,
      status: one.status,
      trim: one.trim,
      price: null,
      price_unit: 'USD',
      error_code: null,
      encryption_details: null,
      uri: `${path}.json`,
      subresource_uris: { transcriptions: `${root}/Recordings/${one.sid}/Transcriptions.json` },
    };
  }

  function account() {
    return {
      sid: space.accountSid,
      friendly_name: 'Simulated Space',
      status: 'active',
      auth_token: 'redacted',
      date_created: space.dateOf(0),
      date_updated: space.dateOf(0),
      type: 'Full',
      owner_account_sid: space.accountSid,
      region_preference: 'us1',
      uri: root,
      subproject: false,
      signing_key: null,
      subresource_uris: {
        ...NO_SUBRESOURCES,
        available_phone_numbers: `${root}/AvailablePhoneNumbers`,
        applications: `${root}/Applications`,
        calls: `${root}/Calls`,
        conferences: `${root}/Conferences`,
        incoming_phone_numbers: `${root}/IncomingPhoneNumbers`,
        queues: `${root}/Queues`,
        recordings: `${root}/Recordings`,
        messages: `${root}/Messages`,
        transcriptions: `${root}/Transcriptions`,
      },
    };
  }

  function number(one: PhoneNumber) {
    return {
      ...common(one.sid, one.createdAt, one.updatedAt),
      account_id: space.accountSid,
      phone_number: one.number,
      friendly_name: formatNumber(one.number),
      country_code: 'US',
      capabilities: { voice: true, sms: true, mms: true, fax: true },
      origin: 'signalwire',
      beta: false,
      voice_url: one.voiceUrl ?? null,
      voice_method: one.voiceMethod,
      voice_fallback_url: one.voiceFallbackUrl ?? null,
      voice_fallback_method: one.voiceFallbackMethod,
      voice_application_sid: one.voiceApplicationSid ?? null,
      voice_caller_id_lookup: null,
      status_callback: one.statusCallback ?? null,
      status_callback_method: one.statusCallbackMethod,
      sms_url: null,
      sms_method: 'POST',
      sms_fallback_url: null,
      sms_fallback_method: 'POST',
      sms_application_sid: null,
      address_requirements: 'none',
      address_sid: null,
      emergency_address_sid: null,
      emergency_status: 'Inactive',
      identity_sid: null,
      trunk_sid: null,
      uri: `${root}/IncomingPhoneNumbers/${one.sid}.json`,
    };
  }

  /** One page of a list. */
  function page<T>(req: Request, name: string, all: readonly T[], show: (one: T) => object) {
    const { Page, PageSize, PageToken, ...filter } = req.query as Record<string, string>;
    const number = Number(Page ?? 0);
    if (number > 0 && PageToken !== tokenOf(number)) {
      throw new RestError(422, 54_453, 'A Page above 0 needs its PageToken.');
    }
    const size = Number(PageSize ?? DEFAULT_PAGE_SIZE);
    const path = `${root}${req.path}.json`;
    const uriOf = (page: number) => {
      const token = page > 0 ? { PageToken: tokenOf(page) } : {};
      return `${path}?${new URLSearchParams({ ...filter, Page: String(page), PageSize: String(size), ...token })}`;
    };
    return {
      uri: uriOf(number),
      first_page_uri: uriOf(0),
      next_page_uri: (number + 1) * size < all.length ? uriOf(number + 1) : null,
      previous_page_uri: number > 0 ? uriOf(number - 1) : null,
      page: number,
      page_size: size,
      [name]: all.slice(number * size, (number + 1) * size).map(show),
    };
  }

  return { conference, participant, call, recording, account, number, page };
}

function tokenOf(page: number): string {
  return `PA${page}`;
}

/** A number as people write it in the United States. */
function formatNumber(number: string): string {
  return number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, '($1) $2-$3');
}
