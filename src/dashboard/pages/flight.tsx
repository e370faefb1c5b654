import { viewRecord } from '../../api/views';
import type { Mode } from '../../rooms/mode';
import type { AuditRecord } from '../../supervision/trail';
import { auditUrl, toField } from '../audit-query';
import { answerAt, type FlightSpan, type FlightStay } from '../flight';
import type { FlightQuery } from '../flight-query';
import type { FlightReading } from '../flight-reading';
import { agentLabel, flightSentence, supervisorLabel } from '../flight-sentence';
import { flightUrl } from '../flight-url';
import type { Texts } from '../texts-en';
import { wordsOfLine } from './audit';
import { HearingBadge, SHAPES } from './elements';
import { Cell, Instant, LOOKS, MomentField, WithInstant } from './trail-elements';

export interface FlightPageProps {
  texts: Texts;
  room: string;
  query: FlightQuery;
  reading: FlightReading;
  now: number;
}

/** Who could hear whom in a call or conference: as sentences at one instant, as a picture, and as tables. */
export function FlightPage(props: FlightPageProps) {
  const { texts, room, query, reading } = props;
  const { subject, window, audit } = query;
  const { flight: words } = texts.trail;
  const { flight, readFrom, readUntil } = reading;
  const ofRoom = auditUrl('/audit', { room, from: toField(window.from), until: toField(window.until) });
  const hasStays = flight.supervisors.length > 0;
  return (
    <>
      <h1>{words.title(room)}</h1>
      <p>
        <small>{'call' in subject ? words.ofCall(subject.call) : words.ofConference(subject.conference)}</small>
      </p>
      <p>
        <a class="go" href={audit === '' ? ofRoom : `/audit?${audit}`}>
          {words.back}
        </a>
      </p>
      <QuestionForm {...props} />
      {readFrom === undefined ? null : (
        <p class="problem">
          <WithInstant sentence={words.cutBefore} at={readFrom} />
        </p>
      )}
      {readUntil === undefined || readUntil >= window.until ? null : (
        <p class="problem">
          <WithInstant sentence={words.cut} at={readUntil} />
        </p>
      )}
      {query.at === undefined ? null : <Answers {...props} at={query.at} />}
      {!reading.isKnown ? <p>{words.noRecord}</p> : hasStays ? null : <p>{words.noSupervisor}</p>}
      {hasStays || flight.agents.length > 0 ? <Timeline {...props} /> : null}
      {hasStays ? <Spans {...props} /> : null}
      {reading.isKnown ? <Events {...props} /> : null}
      {flight.callers.length === 0 ? null : (
        <section aria-labelledby="customers-title">
          <h2 id="customers-title">{words.customers}</h2>
          <p>{words.customersHint}</p>
          <ul class="plain">
            {flight.callers.map((call, index) => (
              <li>
                <a class="go" href={flightUrl(room, { call }, window, audit)}>
                  {words.customerNumber(index + 1)}
                </a>{' '}
                <small>
                  {call} {isSubject(subject, call) ? words.thisCall : null}
                </small>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** Whether this is the call that was asked for. */
const isSubject = (subject: FlightQuery['subject'], call: string) => 'call' in subject && subject.call === call;

function QuestionForm({ texts, room, query: { subject, window, at, audit } }: FlightPageProps) {
  const { flight: words } = texts.trail;
  const [[name, sid] = []] = Object.entries(subject);
  return (
    <form method="get" action={`/rooms/${encodeURIComponent(room)}/flight`} class="filters" aria-label={words.form}>
      <input type="hidden" name={name} value={sid} />
      <input type="hidden" name="audit" value={audit} />
      <MomentField texts={texts} name="from" label={words.from} value={toField(window.from)} />
      <MomentField texts={texts} name="until" label={words.until} value={toField(window.until)} />
      <MomentField texts={texts} name="at" label={words.at} value={at === undefined ? undefined : toField(at)} />
      <p class="buttons">
        <button type="submit">{words.ask}</button>
      </p>
    </form>
  );
}

/** Lines about an instant come within this time, in milliseconds. */
const RECENT_MS = 10_000;

function Answers({ texts, query, reading, at, now }: FlightPageProps & { at: number }) {
  const { flight: words } = texts.trail;
  const { flight, isKnown, readUntil } = reading;
  const { subject, window } = query;
  const problem =
    at < window.from || at > Math.max(window.until, now)
      ? words.outside
      : at > now - RECENT_MS
        ? words.recent
        : at > window.until
          ? words.outside
          : readUntil !== undefined && at >= readUntil
            ? words.notRead
            : undefined;
  const sentences =
    problem !== undefined
      ? [problem]
      : isKnown
        ? [...new Set(answerAt(flight, at).map((answer) => flightSentence(answer, reading, subject, texts)))]
        : [];
  return sentences.length === 0 ? null : (
    <section aria-labelledby="answer-title" class="answer">
      <h2 id="answer-title">{words.answer}</h2>
      {sentences.map((sentence) => (
        <p>
          <WithInstant sentence={sentence} at={at} />
        </p>
      ))}
      <p>
        <small>{words.caveat}</small>
      </p>
    </section>
  );
}

/** Whether somebody had left for good. */
const hasLeft = ({ why, heardBy, to }: FlightSpan) => heardBy === 'nobody' && why === 'left' && to === undefined;

/** Whether somebody was certainly not in the conference. */
const isAbsent = ({ why, heardBy }: FlightSpan) => heardBy === 'nobody' && (why === 'left' || why === 'arrived');

/** The picture. The tables below have the same for those who cannot see it. */
function Timeline({ texts, query, reading }: FlightPageProps) {
  const { flight: words, unnamedAgent } = texts.trail;
  const { supervisors, agents } = reading.flight;
  const { subject, window } = query;
  const { from, until } = shownTime(window, reading);
  return (
    <section aria-labelledby="timeline-title">
      <h2 id="timeline-title">{words.timeline}</h2>
      <p>{words.legend}</p>
      <svg class="hidden" aria-hidden="true">
        <pattern id="hatch" width="10" height="10" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="4" height="10" />
        </pattern>
      </svg>
      <div class="lanes" aria-hidden="true">
        {agents.map((lane) => (
          <>
            <p>
              {words.agentLane(lane.moderator ?? lane.number ?? unnamedAgent)}{' '}
              {isSubject(subject, lane.callSid) ? <small>{words.thisCall}</small> : null}
            </p>
            <svg class="lane" width="100%" height="32" aria-hidden="true">
              <Bar
                from={lane.from ?? from}
                to={lane.to ?? until}
                shown={{ from, until }}
                look="agent"
                words={words.agentThere}
              />
            </svg>
          </>
        ))}
        {supervisors.map((stay) => (
          <>
            <p>
              {words.supervisorLane(supervisorLabel(stay, texts))}{' '}
              <small>
                <Instant at={stay.joinedAt ?? stay.spans[0]?.from ?? from} />{' '}
                {isSubject(subject, stay.callSid) ? words.thisCall : null}
              </small>
            </p>
            <svg class="lane" width="100%" height="32" aria-hidden="true">
              {stay.spans
                .filter((span) => !isAbsent(span))
                .map((span) => (
                  <Bar
                    from={span.from}
                    to={span.to ?? until}
                    shown={{ from, until }}
                    look={LOOKS[span.heardBy]}
                    isOpen={span.certainty !== 'confirmed'}
                    words={hearersOf(span, reading, texts)}
                  />
                ))}
            </svg>
          </>
        ))}
        <p class="axis">
          <Instant at={from} /> <Instant at={until} />
        </p>
      </div>
    </section>
  );
}

/** The part of the time in which anything is known, with a margin. */
function shownTime({ from, until }: FlightQuery['window'], { flight, readUntil = until }: FlightReading) {
  const { supervisors, agents } = flight;
  const starts = [
    ...supervisors.flatMap(({ spans }) => spans[0]?.from ?? []),
    ...agents.map((lane) => lane.from ?? from),
  ];
  const ends = [...supervisors.map(endOf), ...agents.map(({ to }) => to)].map((end) => end ?? until);
  const first = Math.max(from, Math.min(...starts));
  const last = Math.min(until, readUntil, Math.max(...ends));
  return { from: first, until: Math.max(last, first + 1_000) };
}

/** Undefined if the stay has not ended as far as is known. */
function endOf({ spans }: FlightStay): number | undefined {
  const last = spans.at(-1);
  return last?.why === 'left' ? last.from : undefined;
}

interface BarProps {
  from: number;
  to: number;
  shown: { from: number; until: number };
  look: Mode | 'unknown' | 'agent';
  isOpen?: boolean;
  words: string;
}

/** A period: its colour, its shape and words where they fit as a whole, and hatched unless it is confirmed. */
function Bar({ from, to, shown, look, isOpen = false, words }: BarProps) {
  const part = (at: number) => Math.min(100, Math.max(0, ((at - shown.from) / (shown.until - shown.from)) * 100));
  const [x, end] = [part(from), part(to)];
  const shape = look === 'agent' ? '' : SHAPES[look];
  return end <= x ? null : (
    <svg x={`${x.toFixed(2)}%`} width={`${(end - x).toFixed(2)}%`} height="32">
      <title>{`${shape} ${words}`.trim()}</title>
      <rect class={`bar-${look}${isOpen ? ' unsure' : ''}`} width="100%" height="100%" />
      {isOpen ? <rect fill="url(#hatch)" width="100%" height="100%" /> : null}
      <foreignObject width="100%" height="100%">
        <div class={`label bar-${look}${isOpen ? ' unsure' : ''}`}>
          {shape === '' ? null : <span>{shape}</span>}
          <span>{words}</span>
        </div>
      </foreignObject>
    </svg>
  );
}

function hearersOf({ heardBy, listener }: FlightSpan, { flight }: FlightReading, { trail }: Texts): string {
  return heardBy === 'agent' ? trail.heardBy.agent(agentLabel(flight.agents, listener)) : trail.heardBy[heardBy];
}

function Spans({ texts, query, reading }: FlightPageProps) {
  const { flight: words, certainty } = texts.trail;
  const { columns } = words;
  const open = reading.readUntil === undefined ? words.ongoing : certainty.unknown;
  return (
    <section aria-labelledby="spans-title">
      <h2 id="spans-title">{words.spans}</h2>
      <p>{words.spansNote}</p>
      <table class="trail">
        <caption class="hidden">{words.spans}</caption>
        <Head names={Object.values(columns)} />
        <tbody>
          {reading.flight.supervisors.flatMap((stay) =>
            stay.spans.map((span) => (
              <tr>
                <Cell label={columns.who}>
                  {supervisorLabel(stay, texts)}{' '}
                  {isSubject(query.subject, stay.callSid) ? <small>{words.thisCall}</small> : null}
                </Cell>
                <Cell label={columns.from}>
                  <Instant at={span.from} />
                </Cell>
                {hasLeft(span) ? (
                  <>
                    <Cell label={columns.until}>–</Cell>
                    <Cell label={columns.heardBy}>{words.left}</Cell>
                    <Cell label={columns.certainty}>{certainty[span.certainty]}</Cell>
                    <Cell label={columns.why}>–</Cell>
                  </>
                ) : (
                  <>
                    <Cell label={columns.until}>{span.to === undefined ? open : <Instant at={span.to} />}</Cell>
                    <Cell label={columns.heardBy}>
                      <HearingBadge
                        texts={texts}
                        hearing={{
                          look: LOOKS[span.heardBy],
                          isOpen: span.certainty !== 'confirmed',
                          words: hearersOf(span, reading, texts),
                          requested: undefined,
                        }}
                      />
                    </Cell>
                    <Cell label={columns.certainty}>{certainty[span.certainty]}</Cell>
                    <Cell label={columns.why}>{words.why[span.why]}</Cell>
                  </>
                )}
              </tr>
            )),
          )}
        </tbody>
      </table>
    </section>
  );
}

function Events({ texts, reading: { events, flight } }: FlightPageProps) {
  const { flight: words } = texts.trail;
  const { eventColumns: columns } = words;
  const customerOf = (call: AuditRecord['callSid']) => {
    const index = call === undefined ? -1 : flight.callers.indexOf(call);
    return index < 0 ? undefined : words.customerNumber(index + 1);
  };
  return (
    <section aria-labelledby="events-title">
      <h2 id="events-title">{words.events}</h2>
      {events.length === 0 ? (
        <p class="empty">{words.noEvents}</p>
      ) : (
        <table class="trail">
          <caption class="hidden">{words.events}</caption>
          <Head names={Object.values(columns)} />
          <tbody>
            {events.map((event) => (
              <tr>
                <Cell label={columns.time}>
                  <Instant at={Date.parse(event.at)} />
                </Cell>
                <Cell label={columns.by}>{(isReport(event) ? undefined : event.by) ?? '–'}</Cell>
                <Cell label={columns.what}>{wordsOfEvent(event, texts)}</Cell>
                <Cell label={columns.about}>
                  {event.supervisor ??
                    event.moderator ??
                    event.number ??
                    customerOf(event.callSid) ??
                    event.callSid ??
                    '–'}
                </Cell>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Whether the Space reported a mode. Whoever requested it has another line. */
const isReport = ({ kind, source }: AuditRecord) => kind === 'mode' && source !== 'api';

function wordsOfEvent(event: AuditRecord, texts: Texts): string {
  const { flight: words } = texts.trail;
  switch (event.kind) {
    case 'told':
      return words.told;
    case 'mode':
      if (isReport(event)) {
        return words.modeReported(texts.trail.reached[event.heard ?? 'unknown']);
      }
      return event.mode === undefined
        ? wordsOfLine(viewRecord(event), texts)
        : words.modeRequested(texts.modes[event.mode]);
    default:
      return wordsOfLine(viewRecord(event), texts);
  }
}

function Head({ names }: { names: readonly string[] }) {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th scope="col">{name}</th>
        ))}
      </tr>
    </thead>
  );
}
