import { CallError, CODES } from './call-error';
import { type Method, type Prompt, parseLaml, type Verb } from './laml-parser';
import { documentOf, type WebClient } from './web-client';

const MS_PER_CHARACTER = 60;
const RECORDING_MS = 5_000;

/** Duration in simulated milliseconds, loops included; `Infinity` if endless. Recordings are not fetched: 5 s each. */
export function durationOf(prompt: Prompt): number {
  if (prompt.verb === 'Pause') {
    return prompt.seconds * 1000;
  }
  const onceMs = prompt.verb === 'Say' ? prompt.text.length * MS_PER_CHARACTER : RECORDING_MS;
  return prompt.loop === 0 ? Number.POSITIVE_INFINITY : onceMs * prompt.loop;
}

/** What a listener is told: the text, or the recording's URL; nothing for a pause. */
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

/** The verbs allowed in a `waitUrl` or `HoldUrl` document. */
export const MUSIC_VERBS: readonly Verb['verb'][] = ['Play', 'Pause', 'Redirect'];
/** The verbs allowed in an `AnnounceUrl` document. */
export const ANNOUNCEMENT_VERBS: readonly Verb['verb'][] = ['Say', 'Play', 'Pause'];

/**
 * Fetches what a `waitUrl`, `HoldUrl` or `AnnounceUrl` plays: a document's prompts; none for an audio file.
 *
 * @throws CallError 13238 if it cannot be played
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
