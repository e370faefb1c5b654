import { formatDuration } from '../duration';
import type { Texts } from '../texts-en';

/** A recording as a row. */
export interface RecordingRow {
  /** Of its audio: below `/`. Undefined while there is none. */
  url: string | undefined;
  /** ISO 8601; undefined if it is unknown. */
  startedAt: string | undefined;
  /** When it got its status, ISO 8601. */
  changedAt: string;
  durationSeconds: number | undefined;
  /** Whose call is recorded, or who was in the conference. */
  whose: string;
  status: string;
  /** The name of the file, for whoever saves it. */
  fileName: string;
}

export interface RecordingsPageProps {
  texts: Texts;
  /** What was typed; undefined before anything was. */
  room: string | undefined;
  /** Rooms to choose from. */
  rooms: readonly string[];
  /** The newest first; undefined if they were not listed. */
  rows: readonly RecordingRow[] | undefined;
  problem: string | undefined;
}

/** The recordings of one room, to listen to. */
export function RecordingsPage({ texts, room, rooms, rows, problem }: RecordingsPageProps) {
  const words = texts.recordings;
  return (
    <section class="recordings">
      <h1>{words.title}</h1>
      <div id="news" role="status" aria-live="polite" class={problem === undefined ? '' : 'problem'}>
        {problem === undefined ? null : <p>{problem}</p>}
      </div>
      <form method="get" action="/recordings" class="choice">
        <label for="room">{words.room}</label>
        <input id="room" name="room" value={room} list="rooms" required maxLength={64} autoComplete="off" />
        <datalist id="rooms">
          {rooms.map((name) => (
            <option value={name} />
          ))}
        </datalist>
        <button type="submit">{words.show}</button>
      </form>
      {rows === undefined && rooms.length > 0 ? (
        <ul class="choices" aria-label={words.rooms}>
          {rooms.map((name) => (
            <li>
              <a class="button" href={`/recordings?${new URLSearchParams({ room: name })}`}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      ) : null}
      {rows === undefined || room === undefined ? null : <List texts={texts} room={room} rows={rows} />}
      <p class="hint">{words.hint}</p>
    </section>
  );
}

function List({ texts, room, rows }: { texts: Texts; room: string; rows: readonly RecordingRow[] }) {
  const words = texts.recordings;
  if (rows.length === 0) {
    return <p>{words.none(room)}</p>;
  }
  const { columns } = words;
  return (
    <table>
      <caption>{words.caption(room)}</caption>
      <thead>
        <tr>
          {[columns.when, columns.duration, columns.whose, columns.status, columns.audio].map((title) => (
            <th scope="col">{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row texts={texts} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ texts, row }: { texts: Texts; row: RecordingRow }) {
  const { url, startedAt, changedAt, durationSeconds, whose, status, fileName } = row;
  const words = texts.recordings;
  const { columns } = words;
  return (
    <tr>
      <td data-label={columns.when}>
        {startedAt === undefined ? `${words.until} ` : null}
        <LocalTime at={startedAt ?? changedAt} />
      </td>
      <td data-label={columns.duration}>
        {durationSeconds === undefined ? words.unknown : formatDuration(durationSeconds * 1_000)}
      </td>
      <td data-label={columns.whose}>{whose}</td>
      <td data-label={columns.status}>{words.statuses[status] ?? words.unknown}</td>
      <td data-label={columns.audio} class="audio">
        {url === undefined ? (
          words.noAudio
        ) : (
          <>
            {/* biome-ignore lint/a11y/useMediaCaption: nobody writes down what is said in calls. */}
            <audio controls preload="none" src={url} aria-label={words.play(whose)} />
            <a class="button" href={`${url}?save=1`} download={fileName}>
              {words.save}
              <span class="hidden"> {whose}</span>
            </a>
          </>
        )}
      </td>
    </tr>
  );
}

/** The browser shows it in its own time; without the script it is in UTC. */
function LocalTime({ at }: { at: string }) {
  return (
    <time data-local dateTime={at}>
      {`${at.slice(0, 16).replace('T', ' ')} UTC`}
    </time>
  );
}
