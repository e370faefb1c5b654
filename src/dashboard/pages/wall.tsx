import { SECTIONS } from '../board-model';
import { HEARINGS, type WallRoom, type WallState } from '../wall-model';
import { Elapsed, SHAPES, type Shown } from './elements';
import type { AssetUrls } from './layout';
import { TopLine } from './top-line';

/** How often a browser without scripts loads a wall again, in seconds. */
const REFRESH_SECONDS = 15;

export interface WallPageProps extends Shown {
  assets: AssetUrls;
  wall: WallState;
  isStoreAway: boolean;
}

/** A whole page for a TV, without anybody's name or number. */
export function WallPage({ texts, assets, wall, isStoreAway, now }: WallPageProps) {
  return (
    <html lang={texts.language}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${texts.wall.title} · ${texts.product}`}</title>
        <link rel="stylesheet" href={assets.wallStyle} />
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <noscript>
          <meta http-equiv="refresh" content={String(REFRESH_SECONDS)} />
        </noscript>
        <script src={assets.wallScript} defer />
      </head>
      <body data-now={now} data-version={assets.wallScript}>
        <main>
          <header>
            <h1>{texts.wall.title}</h1>
            <p id="link">{isStoreAway ? texts.link.storeAway : null}</p>
          </header>
          <div id="wall">
            <Wall texts={texts} wall={wall} now={now} />
          </div>
        </main>
        <template id="texts">{JSON.stringify(texts.link)}</template>
      </body>
    </html>
  );
}

/** What the browser replaces as a whole. */
export function Wall({ texts, wall: { totals, counts, rooms, others }, now }: Shown & { wall: WallState }) {
  return (
    <>
      <TopLine totals={totals} texts={texts} now={now} />
      <div class="counts">
        <p id="counted">{texts.wall.counted}</p>
        <ul aria-labelledby="counted">
          {SECTIONS.map((section) => (
            <li class={section === 'attention' && counts[section] > 0 ? 'alarm' : ''}>
              {texts.sections[section]} <strong>{counts[section]}</strong>
            </li>
          ))}
        </ul>
      </div>
      {rooms.length === 0 ? <p>{texts.board.empty}</p> : null}
      <ul class="rooms">
        {rooms.map((room) => (
          <Room texts={texts} room={room} now={now} />
        ))}
      </ul>
      {others > 0 ? <p>{texts.wall.others(others)}</p> : null}
    </>
  );
}

function Room({ texts, room, now }: Shown & { room: WallRoom }) {
  const { name, section, state, since, alerts, supervisors } = room;
  return (
    <li class={section}>
      <h2>{name}</h2>
      <p>
        {texts.card[state]} {since === undefined ? null : <Elapsed since={since} now={now} />}
      </p>
      {alerts.map((kind) => (
        <p class="alarm">
          <span aria-hidden="true">▲ </span>
          {texts.alerts[kind]}
        </p>
      ))}
      {HEARINGS.filter((heard) => supervisors[heard] > 0).map((heard) => (
        <p>
          <span aria-hidden="true">{SHAPES[heard]} </span>
          {texts.wall.supervisors(supervisors[heard], texts.wall.hearings[heard])}
        </p>
      ))}
    </li>
  );
}
