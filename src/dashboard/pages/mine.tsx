import { formatDuration } from '../duration';
import type { HeardBy } from '../flight';
import type { ListenerRow } from '../my-page';
import { MY_DAYS, type MyReading } from '../my-reading';
import type { Texts } from '../texts-en';
import { SHAPES } from './elements';
import { Cell, Instant, LOOKS, WithInstant } from './trail-elements';

export interface MyPageProps {
  texts: Texts;
  reading: MyReading;
}

/** Who listened to an agent, for the agent alone. */
export function MyPage({ texts, reading: { rows, from, until, earlier, readUntil } }: MyPageProps) {
  const { mine } = texts.trail;
  return (
    <>
      <h1>{mine.title}</h1>
      <p>
        {mine.between} <Instant at={from} /> – <Instant at={until} />
      </p>
      {readUntil === undefined ? null : (
        <p class="problem">
          <WithInstant sentence={mine.cut} at={readUntil} />
        </p>
      )}
      {rows.length === 0 ? <p class="empty">{mine.none}</p> : <Listeners texts={texts} rows={rows} />}
      <p>
        {earlier === undefined ? (
          mine.oldest(MY_DAYS)
        ) : (
          <a
            class="button"
            href={`/mine?${new URLSearchParams({ until: new Date(earlier).toISOString() })}`}
            rel="next"
          >
            {mine.earlier}
          </a>
        )}
      </p>
      <section aria-labelledby="notes-title">
        <h2 id="notes-title">{mine.notesTitle}</h2>
        <ul class="notes">
          {mine.notes.map((note) => (
            <li>{note}</li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Listeners({ texts, rows }: { texts: Texts; rows: readonly ListenerRow[] }) {
  const { mine, unnamedSupervisor } = texts.trail;
  const { columns } = mine;
  return (
    <table class="trail">
      <caption class="hidden">{mine.title}</caption>
      <thead>
        <tr>
          {Object.values(columns).map((name) => (
            <th scope="col">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ supervisor, room, from, to, isOngoing, heardMs, isConfirmed, toldAt }) => (
          <tr>
            <Cell label={columns.who}>{supervisor ?? unnamedSupervisor}</Cell>
            <Cell label={columns.when}>
              {to !== undefined ? (
                <>
                  <Instant at={from} /> <small>{formatRounded(to - from)}</small>
                </>
              ) : (
                <WithInstant sentence={isOngoing ? mine.ongoing : mine.endUnknown} at={from} />
              )}
            </Cell>
            <Cell label={columns.room}>{room}</Cell>
            <Cell label={columns.how}>
              <ul class="plain">
                {HEARD.filter((heardBy) => heardMs[heardBy] > 0).map((heardBy) => (
                  <li>
                    {SHAPES[LOOKS[heardBy]]} {mine.heard[heardBy]} <small>{formatRounded(heardMs[heardBy])}</small>
                  </li>
                ))}
              </ul>
              <small>{isConfirmed ? mine.confirmed : mine.notConfirmed}</small>
            </Cell>
            <Cell label={columns.told}>
              {toldAt.length === 0 ? mine.notTold : null}
              {toldAt.map((at) => (
                <p>
                  <WithInstant sentence={mine.told} at={at} />
                </p>
              ))}
            </Cell>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A duration to the nearest second, as the audit page has it. */
const formatRounded = (ms: number) => formatDuration(Math.round(ms / 1_000) * 1_000);

const HEARD: readonly HeardBy[] = ['everyone', 'agent', 'nobody', 'unknown'];
