import { CallError, CODES } from './call-error';
import { type Method, type Prompt, parseLaml, type Verb } from './laml-parser';
import { documentOf, type WebClient } from './web-client';

const MS_PER_CHARACTER = 60;
const RECORDING_MS = 5_000;

/** How long it takes in all, in simulated milliseconds: `Infinity` without an end. A recording is never fetched. */
export function durationOf(prompt: Prompt): number {
  if (prompt.verb === 'Pause') {
    return prompt.seconds * 1000;
  }
  const onceMs = prompt.verb === 'Say' ? prompt.text.length * MS_PER_CHARACTER : RECORDING_MS;
  return prompt.loop === 0 ? Number.POSITIVE_INFINITY : onceMs * prompt.loop;
}

/** What is to be told of it to whom it is played: the text, or the recording's address; nothing of a pause. */
export function wordsOf(prompt: Prompt): string[] {
  switch (prompt.verb) {
    case 'Say':
      return [prompt.text];
    case 'Play':
      return [prompt.url];
    case 'Pause':
      return [];
  }
}

/** What a document for those who wait or are on hold may hold. */
export const MUSIC_VERBS: readonly Verb['verb'][] = ['Play', 'Pause', 'Redirect'];
/** What a document that is played into a conference may hold. */
export const ANNOUNCEMENT_VERBS: readonly Verb['verb'][] = ['Say', 'Play', 'Pause'];

/**
 * Fetches what a `waitUrl`, `HoldUrl` or `AnnounceUrl` plays: a document, or an audio file, which gives no prompts.
 *
 * @throws CallError 13238 for what cannot be played there
 */
export async function fetchPrompts(
  client: WebClient,
  { url, method }: { url: string; method: Method },
  allowed: readonly Verb['verb'][],
): Promise<Prompt[]> {
  try {
    const response = await client.send({ url, method, fields: {} });
    const verbs =
      response.contentType.startsWith('audio/') && response.status < 400
        ? []
        : parseLaml(documentOf(response), allowed);
    return verbs.filter((verb) => verb.verb === 'Say' || verb.verb === 'Play' || verb.verb === 'Pause');
  } catch (error) {
    throw new CallError(CODES.badMedia, `${url} cannot be played: ${(error as Error).message}`);
  }
}
