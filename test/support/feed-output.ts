import type { FeedOutput } from '../../src/api/live-feed';

/** An event of a stream, as a reader parses it. */
export interface ReceivedEvent {
  event: string;
  id: string | undefined;
  data: unknown;
}

/** The events in a text. */
export function parseEvents(text: string): ReceivedEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.includes('event: '))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      return { event: field('event') ?? '', id: field('id'), data: JSON.parse(field('data') ?? 'null') };
    });
}

/** A reader's output that keeps what is written. */
export class FakeOutput implements FeedOutput {
  writableLength = 0;
  isEnded = false;
  isDestroyed = false;
  readonly chunks: Uint8Array[] = [];

  write(chunk: Uint8Array): void {
    this.chunks.push(chunk);
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  get text(): string {
    return this.chunks.map(String).join('');
  }

  get events(): ReceivedEvent[] {
    return parseEvents(this.text);
  }
}
