import { randomUUID } from 'node:crypto';
import { SPACE_NUMBER } from './call';
import type { Method } from './laml-parser';

/** The webhooks of a phone number; addresses that are left out are not set, and methods are POST. */
export interface NumberSettings {
  /** E.164; the number that people dial by default. */
  number?: string;
  voiceUrl?: string | undefined;
  voiceMethod?: Method;
  voiceFallbackUrl?: string | undefined;
  voiceFallbackMethod?: Method;
  statusCallback?: string | undefined;
  statusCallbackMethod?: Method;
  /** The application that handles calls instead of `voiceUrl`. */
  voiceApplicationSid?: string | undefined;
}

/** A phone number of the Space. */
export interface PhoneNumber extends Required<NumberSettings> {
  sid: string;
  createdAt: number;
  updatedAt: number;
}

/** @param now the simulated time */
export function createPhoneNumber(settings: NumberSettings, now: number): PhoneNumber {
  return {
    sid: randomUUID(),
    createdAt: now,
    updatedAt: now,
    number: SPACE_NUMBER,
    voiceUrl: undefined,
    voiceMethod: 'POST',
    voiceFallbackUrl: undefined,
    voiceFallbackMethod: 'POST',
    statusCallback: undefined,
    statusCallbackMethod: 'POST',
    voiceApplicationSid: undefined,
    ...settings,
  };
}
