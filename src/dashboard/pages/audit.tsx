import { actorNameOf } from '../../people/rights';
import { MODES } from '../../rooms/mode';
import type { AuditRecord } from '../../supervision/trail';
import { type AuditField, type AuditQuery, auditUrl } from '../audit-query';
import type { AuditRow, LineRow, StayRow } from '../audit-rows';
import { formatDuration } from '../duration';
import { flightUrl } from '../flight-url';
import type { Texts } from '../texts-en';
import { HearingBadge, Hidden } from './elements';
import { Cell, Instant, MomentField } from './trail-elements';

export interface AuditPageProps {
  texts: Texts;
  query: AuditQuery;
  /** Undefined if the query could not be read. */
  found: AuditFound | undefined;
  now: number;
}

/** What the trail has for a query. */
export interface AuditFound {
  rows: readonly AuditRow[];
  /** Of the next page; undefined at the end. */
  next: string | undefined;
  /** Undefined on later pages, which have none. */
  refusals: readonly LineRow[] | undefined;
}

/** How many refusals and sign-ins the page has at most. */
export const MAX_REFUSALS_SHOWN = 100;

/** The audit trail: a form with filters, and what they find. */
export function AuditPage({ texts, query, found, now }: AuditPageProps) {
  const { audit, more } = texts.trail;
  const [, search = ''] = auditUrl('/audit', query.form, query.cursor).split('?');
  return (
    <>
      <h1>{audit.title}</h1>
      {query.wrong.map((field) => (
        <p class="problem" role="alert">
          {audit.wrong(audit.fields[field])}
        </p>
      ))}
      <search aria-label={audit.filters}>
        {/* Opens the form after it on phones; elsewhere the form is always open. */}
        <details class="filters-toggle" open={found === undefined}>
          <summary>{audit.filters}</summary>
        </details>
        <Filters texts={texts} query={query} />
      </search>
      {found === undefined ? null : (
        <>
          <section aria-labelledby="rows-title">
            <h2 id="rows-title">{audit.rowsTitle}</h2>
            <p>{audit.order}</p>
            {found.rows.length === 0 ? (
              <p class="empty">{found.next === undefined ? audit.none : audit.noneYet}</p>
            ) : (
              <Rows texts={texts} rows={found.rows} caption={audit.rowsTitle} search={search} now={now} />
            )}
            {found.next === undefined ? null : (
              <p>
                <a class="button" href={auditUrl('/audit', query.form, found.next)} rel="next">
                  {more}
                </a>
              </p>
            )}
          </section>
          {found.refusals === undefined ? null : (
            <section aria-labelledby="refusals-title">
              <h2 id="refusals-title">{audit.refusalsTitle}</h2>
              <p>{audit.refusalsNote(MAX_REFUSALS_SHOWN)}</p>
              {found.refusals.length === 0 ? (
                <p class="empty">{audit.noRefusals}</p>
              ) : (
                <Rows texts={texts} rows={found.refusals} caption={audit.refusalsTitle} search={undefined} now={now} />
              )}
            </section>
          )}
        </>
      )}
    </>
  );
}

function Filters({ texts, query: { form } }: Pick<AuditPageProps, 'texts' | 'query'>) {
  const { audit } = texts.trail;
  const text = (name: AuditField) => (
    <label>
      <span>{audit.fields[name]}</span>
      <input name={name} value={form[name] ?? ''} maxLength={100} autoComplete="off" />
    </label>
  );
  return (
    <form method="get" action="/audit" class="filters">
      {text('person')}
      {text('room')}
      {text('agent')}
      <Choice texts={texts} form={form} name="reached" options={MODES.map((mode) => [mode, texts.modes[mode]])} />
      <Choice
        texts={texts}
        form={form}
        name="confirmed"
        options={[
          ['yes', audit.yes],
          ['no', audit.no],
        ]}
      />
      <MomentField texts={texts} name="from" label={audit.fields.from} value={form.from} />
      <MomentField texts={texts} name="until" label={audit.fields.until} value={form.until} />
      {text('text')}
      <p class="buttons">
        <a class="button" href={auditUrl('/audit', { ...form, from: '1h', until: '' })}>
          {audit.lastHour}
        </a>
        <a class="button" href="/audit">
          {audit.reset}
        </a>
        <a class="button" href={auditUrl('/audit.csv', form)} download>
          {audit.export}
        </a>
        <button type="submit">{audit.search}</button>
      </p>
    </form>
  );
}

interface ChoiceProps extends Pick<AuditPageProps, 'texts'> {
  form: AuditQuery['form'];
  name: 'reached' | 'confirmed';
  options: readonly (readonly [value: string, label: string])[];
}

function Choice({ texts, form, name, options }: ChoiceProps) {
  const { audit } = texts.trail;
  return (
    <label>
      <span>{audit.fields[name]}</span>
      <select name={name}>
        <option value="">{audit.any}</option>
        {options.map(([value, label]) => (
          <option value={value} selected={form[name] === value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

interface RowsProps {
  texts: Texts;
  rows: readonly AuditRow[];
  caption: string;
  /** The query of this page, to which flight recorders lead back; undefined if rows have none. */
  search: string | undefined;
  now: number;
}

function Rows({ texts, rows, caption, now, search }: RowsProps) {
  const { recorder, ...columns } = texts.trail.audit.columns;
  const names = [...Object.values(columns), ...(search === undefined ? [] : [recorder])];
  return (
    <table class="trail">
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          {names.map((name) => (
            <th scope="col">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) =>
          row.kind === 'stay' ? (
            <StayCells texts={texts} stay={row} search={search} now={now} />
          ) : (
            <LineCells texts={texts} record={row.record} search={search} now={now} />
          ),
        )}
      </tbody>
    </table>
  );
}

function StayCells({ texts, stay, search = '', now }: Pick<RowsProps, 'texts' | 'search' | 'now'> & { stay: StayRow }) {
  const { audit, reached, unnamedSupervisor, open } = texts.trail;
  const { columns } = audit;
  const { supervisor, number, room, moderator, start, end, duration, isConfirmed, startKnown } = stay;
  const from = start ?? stay.modes[0]?.at ?? end;
  const who = supervisor ?? number ?? unnamedSupervisor;
  const words = isConfirmed ? audit.confirmed : audit.notConfirmed;
  const heard = stay.isPartial ? audit.atTimes(reached[stay.reached]) : reached[stay.reached];
  const hearing = { look: stay.reached, isOpen: !isConfirmed, words: heard, requested: undefined };
  return (
    <tr>
      <Cell label={columns.time}>
        {from === undefined ? '–' : <Instant at={Date.parse(from)} />}
        <br />
        <small>{end === undefined ? open : duration === undefined ? '' : formatDuration(duration * 1_000)}</small>
      </Cell>
      <Cell label={columns.who}>
        {who} {supervisor === undefined || number === undefined ? null : <small>{number}</small>}
      </Cell>
      <Cell label={columns.room}>{room}</Cell>
      <Cell label={columns.agent}>{moderator ?? '–'}</Cell>
      <Cell label={columns.what}>
        {startKnown === 'never' ? (
          audit.neverSeen
        ) : (
          <>
            <HearingBadge hearing={hearing} texts={texts} /> {words}
          </>
        )}
      </Cell>
      <Cell label={columns.recorder}>
        {room === undefined || from === undefined ? (
          '–'
        ) : (
          <FlightLink
            texts={texts}
            who={who}
            url={flightUrl(room, { call: stay.callSid }, around(Date.parse(from), end ? Date.parse(end) : now), search)}
          />
        )}
      </Cell>
    </tr>
  );
}

function LineCells({
  texts,
  record,
  search,
  now,
}: Pick<RowsProps, 'texts' | 'search' | 'now'> & { record: AuditRecord }) {
  const { audit } = texts.trail;
  const { columns } = audit;
  const { at, kind, by, room, callSid, conferenceSid } = record;
  const instant = Date.parse(at);
  const subject =
    kind !== 'action' ? undefined : conferenceSid ? { conference: conferenceSid } : callSid && { call: callSid };
  const person = [record.supervisor ?? record.moderator, record.number].filter((one) => one !== undefined).join(', ');
  const isAction = kind === 'action';
  const isOwn = isOwnAction(record);
  const who = isAction && !isOwn ? by : [person, record.ip].filter(Boolean).join(', ');
  return (
    <tr>
      <Cell label={columns.time}>
        <Instant at={instant} />
      </Cell>
      <Cell label={columns.who}>{who || '–'}</Cell>
      <Cell label={columns.room}>{room ?? '–'}</Cell>
      <Cell label={columns.agent}>{record.moderator ?? '–'}</Cell>
      <Cell label={columns.what}>
        {wordsOfLine(record, texts)} {isAction && !isOwn && person !== '' ? <small>{audit.about(person)}</small> : null}
      </Cell>
      {search === undefined ? null : (
        <Cell label={columns.recorder}>
          {room === undefined || subject === undefined ? (
            '–'
          ) : (
            <FlightLink
              texts={texts}
              who={whatOf(record, texts)}
              url={flightUrl(room, subject, around(instant, Math.min(now, instant + CALL_MS)), search)}
            />
          )}
        </Cell>
      )}
    </tr>
  );
}

/** Whether somebody did something to their own call: who removes themselves pressed Leave. */
const isOwnAction = ({ by, supervisor }: AuditRecord) =>
  by !== undefined && supervisor !== undefined && by === actorNameOf('supervisor', supervisor);

/** A line of the trail in words: `mute, failed: left`. */
export function wordsOfLine(record: AuditRecord, texts: Texts): string {
  const { audit } = texts.trail;
  const { action, status, reason, method, lockedOut } = record;
  const what = action === 'remove' && isOwnAction(record) ? audit.left : whatOf(record, texts);
  const details = [reason, method, lockedOut].flatMap((one) =>
    one === undefined ? [] : [audit.details[one] ?? one.replaceAll(/[_-]/g, ' ')],
  );
  return [status === undefined ? what : `${what}, ${audit.statuses[status] ?? status}`, ...details].join(': ');
}

/** Another version of the server may have written what has no words here. */
function whatOf({ kind, action }: AuditRecord, { trail: { audit } }: Texts): string {
  return action === undefined ? (audit.kinds[kind] ?? kind) : (audit.actions[action] ?? action);
}

function FlightLink({ texts, who, url }: { texts: Texts; who: string; url: string }) {
  const { audit } = texts.trail;
  return (
    <a class="go" href={url}>
      {audit.open} <Hidden>{audit.flightOf(who)}</Hidden>
    </a>
  );
}

/** How much the flight recorder shows before and after, in milliseconds. */
const MARGIN_MS = 60_000;

/** How long after an action the flight recorder shows, in milliseconds. */
const CALL_MS = 15 * 60_000;

const around = (from: number, until: number) => ({ from: from - MARGIN_MS, until: until + MARGIN_MS });
