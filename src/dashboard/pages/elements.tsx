import type { ComponentChildren } from 'preact';
import type { Mode } from '../../rooms/mode';
import { formatDuration } from '../duration';
import type { Hearing } from '../hearing';
import type { Texts } from '../texts-en';

/** What every part of a page needs. */
export interface Shown {
  texts: Texts;
  /** When it is rendered, in milliseconds since 1970. */
  now: number;
}

/** How long something has lasted. The browser goes on counting, without telling screen readers. */
export function Elapsed({ since, now }: { since: number; now: number }) {
  return (
    <time class="elapsed" data-since={since} dateTime={new Date(since).toISOString()}>
      {formatDuration(now - since)}
    </time>
  );
}

/** A sentence with `{ago}` in it, where the time since then is shown. */
export function Ago({ sentence, since, now }: { sentence: string; since: number; now: number }) {
  const [before, after] = sentence.split('{ago}');
  return (
    <span>
      {before}
      <Elapsed since={since} now={now} />
      {after}
    </span>
  );
}

/**
 * A button that does something. Its id tells the browser which button is the same one later: none ever becomes another
 * under somebody's finger.
 */
export function ActionButton({ url, children, ...rest }: ActionButtonProps) {
  return (
    <button type="submit" id={`do-${url}`} formAction={url} {...rest}>
      {children}
    </button>
  );
}

export interface ActionButtonProps {
  /** Where it is posted to. */
  url: string;
  class?: string;
  children: ComponentChildren;
  'aria-pressed'?: boolean;
  'aria-disabled'?: boolean;
  'data-mode'?: string;
}

/** Text for screen readers alone. */
export function Hidden({ children }: { children: ComponentChildren }) {
  return <span class="hidden">{children}</span>;
}

/** Who hears somebody, as far as may be shown: the look, and the words. */
export interface HearingWords {
  look: 'monitor' | 'coach' | 'barge' | 'unknown';
  /** Whether it is hatched: not confirmed. */
  isOpen: boolean;
  words: string;
  /** The mode that was requested, if it is not confirmed. */
  requested: Mode | undefined;
}

interface HearingTexts {
  nobody: string;
  agent: (name: string | undefined) => string;
  everyone: string;
  unknown: string;
  onHold: string;
  entering: string;
}

/** @param texts in the words of the person, or of others about them */
export function wordsOf(hearing: Hearing, texts: HearingTexts): HearingWords {
  const { status, heard, isOnHold, agent } = hearing;
  const isOpen = status !== 'confirmed';
  const requested = status === 'requested' || status === 'unknown' ? hearing.requested : undefined;
  const shown = { isOpen, requested };
  if (status === 'entering') {
    return { ...shown, look: 'unknown', words: texts.entering };
  }
  if (isOnHold) {
    return { ...shown, look: 'monitor', words: texts.onHold };
  }
  switch (heard) {
    case 'monitor':
      return { ...shown, look: 'monitor', words: texts.nobody };
    case 'coach':
      return { ...shown, look: 'coach', words: texts.agent(agent) };
    case 'barge':
      return { ...shown, look: 'barge', words: texts.everyone };
    case undefined:
      return { ...shown, look: 'unknown', words: texts.unknown };
  }
}

/** The shape that goes with each look, so that colour never stands alone. */
export const SHAPES = { monitor: '○', coach: '◐', barge: '●', unknown: '?' } as const;

/** Who hears somebody: shape, words, colour, and hatched unless confirmed. */
export function HearingBadge({ hearing, texts }: { hearing: HearingWords; texts: Texts }) {
  const { look, isOpen, words, requested } = hearing;
  return (
    <span class={`hearing ${look}${isOpen ? ' open' : ''}`}>
      <span aria-hidden="true">{SHAPES[look]} </span>
      {words}
      {requested === undefined ? null : <small> {texts.hearing.notConfirmed(texts.modes[requested])}</small>}
    </span>
  );
}
