import type { ComponentChildren } from 'preact';
import type { Mode } from '../../rooms/mode';
import type { HeardBy } from '../flight';
import type { Texts } from '../texts-en';

/** How it looks who could hear a supervisor: as the mode in which they are heard so. */
export const LOOKS: Readonly<Record<HeardBy, Mode | 'unknown'>> = {
  nobody: 'monitor',
  agent: 'coach',
  everyone: 'barge',
  unknown: 'unknown',
};

/** An instant, to the second; the script shows it in the browser's local time. @param at milliseconds since 1970 */
export function Instant({ at }: { at: number }) {
  const date = new Date(at).toISOString();
  return (
    <time data-local dateTime={date}>
      {date.slice(0, 10)} {date.slice(11, 19)} UTC
    </time>
  );
}

export interface MomentFieldProps {
  texts: Texts;
  name: string;
  label: string;
  /** In UTC. The script shows and takes local time. */
  value: string | undefined;
  required?: boolean;
}

/** A field for a date and time, in UTC unless the script runs. */
export function MomentField({ texts, name, label, value, required }: MomentFieldProps) {
  return (
    <label>
      <span>
        {label} <small data-zone={texts.trail.local}>{texts.trail.utc}</small>
      </span>
      <input type="datetime-local" step="1" name={name} value={value ?? ''} required={required} data-utc />
    </label>
  );
}

/** A cell that names its column where the table has no room for a heading. */
export function Cell({ label, children }: { label: string; children: ComponentChildren }) {
  return <td data-label={label}>{children}</td>;
}

/** A sentence with `{at}` in it, where the instant is shown. @param at milliseconds since 1970 */
export function WithInstant({ sentence, at }: { sentence: string; at: number }) {
  const [before, after] = sentence.split('{at}');
  return (
    <>
      {before}
      {after === undefined ? null : <Instant at={at} />}
      {after}
    </>
  );
}
