import { ReadableStream } from 'node:stream/web';
import { withDeadline } from '../ops/deadline';
import type { ByteRange } from './byte-range';
import { type RecordingAudio, SpaceError, type SpaceSettings } from './conference-api';
import { authorizationOf, refusalOf, type TransportOptions } from './rest-transport';

const MAX_REDIRECTS = 3;
/** What audio is sent as. Anything else, such as a page in HTML, must not reach a browser as a recording. */
const AUDIO_TYPES = /^(audio\/|(application|binary)\/octet-stream\b)/i;
/** Where the part of a file is: not of several parts, and not without its place. */
const CONTENT_RANGE = /^bytes \d{1,15}-\d{1,15}\/(?:\d{1,15}|\*)$/;

export interface DownloadOptions extends TransportOptions {
  /** How long a read of the body may take. */
  readTimeoutMs: number;
  /** The part to ask for; undefined for the whole. */
  range: ByteRange | undefined;
}

/**
 * Opens audio at the Space, which may redirect to another host, over https. Only the Space gets our credentials. No error
 * names an address, because whoever has the address of a recording can hear it.
 *
 * @param path at the Space
 * @param options.signal until the headers are there
 * @returns undefined for 404
 * @throws SpaceError
 */
export async function downloadAudio(
  settings: SpaceSettings,
  path: string,
  { signal, runInSlot, fetch, readTimeoutMs, range }: DownloadOptions,
): Promise<RecordingAudio | undefined> {
  const space = new URL(settings.url).origin;
  // Not the signal itself, because the body may take longer.
  const abort = new AbortController();
  const onLate = () => abort.abort();
  signal.addEventListener('abort', onLate);
  try {
    const response = await runInSlot(open, signal);
    if (response.status === 404) {
      abort.abort();
      return undefined;
    }
    return audioIn(response);
  } catch (error) {
    abort.abort();
    throw error instanceof SpaceError ? error : failure(signal.aborted);
  } finally {
    signal.removeEventListener('abort', onLate);
  }

  /** Follows redirects. */
  async function open(): Promise<Response> {
    let url = new URL(path, space);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const authorization = url.origin === space ? { authorization: authorizationOf(settings) } : {};
      const response = await fetch(url, {
        headers: { ...authorization, 'accept-encoding': 'identity', ...(range !== undefined && { range }) },
        redirect: 'manual',
        signal: abort.signal,
      });
      if (response.status < 300 || response.status > 399) {
        return response;
      }
      await response.body?.cancel();
      const location = response.headers.get('location') ?? '';
      url = new URL(location, url);
      if (location === '' || (url.protocol !== 'https:' && url.origin !== space)) {
        break;
      }
    }
    throw new SpaceError('unreadable', 'The Space redirects a recording too often, or not to https.');
  }

  function audioIn({ ok, status, headers, body }: Response): RecordingAudio {
    if (!ok) {
      throw refusalOf(status, '');
    }
    const contentType = headers.get('content-type') ?? undefined;
    if (body === null || (contentType !== undefined && !AUDIO_TYPES.test(contentType))) {
      throw new SpaceError('unreadable', 'The Space answered with something else than audio.', { status });
    }
    const contentRange = status === 206 ? (headers.get('content-range') ?? '') : undefined;
    if (contentRange !== undefined && (range === undefined || !CONTENT_RANGE.test(contentRange))) {
      throw new SpaceError('unreadable', 'The Space answered with a part that cannot be placed.', { status });
    }
    const length = headers.get('content-length') ?? '';
    const isPlain = headers.get('content-encoding') === null && /^\d{1,15}$/.test(length);
    return {
      contentType,
      contentLength: isPlain ? Number(length) : undefined,
      contentRange,
      acceptsRanges: contentRange !== undefined || headers.get('accept-ranges') === 'bytes',
      body: readSafely(body),
    };
  }

  /** The same bytes, with a deadline for each read. */
  function readSafely(body: NonNullable<Response['body']>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let isLate = false;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            const { done, value } = await withDeadline(reader.read(), readTimeoutMs, () => {
              isLate = true;
              return new Error();
            });
            if (done) {
              controller.close();
            } else {
              controller.enqueue(value);
            }
          } catch {
            abort.abort();
            controller.error(failure(isLate));
          }
        },
        cancel: () => abort.abort(),
      },
      // Reads only what its reader asks for.
      { highWaterMark: 0 },
    );
  }
}

function failure(isLate: boolean): SpaceError {
  return isLate
    ? new SpaceError('timeout', 'The Space did not send the recording in time.')
    : new SpaceError('unreachable', 'The recording could not be downloaded.');
}
