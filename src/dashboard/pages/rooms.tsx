import { SECTIONS } from '../board-model';
import type { ScreenParts } from '../screen-view';
import type { Texts } from '../texts-en';

export interface RoomsPageProps {
  texts: Texts;
  /** What the screen says about the latest action, on a page without the script. */
  said: { isProblem: boolean; text: string } | undefined;
  /** The parts that the browser replaces; undefined while the rooms are not known. */
  parts: ScreenParts | undefined;
  /** Whether changes may be missing. */
  isStoreAway: boolean;
  /** Whether SignalWire's REST API is configured. */
  canControl: boolean;
  /** When it is rendered, in milliseconds since 1970. */
  now: number;
  /** From where the stream goes on; see `ScreenStreams.idFor`. */
  id: string;
  /** What to say when there is no room. */
  empty: 'none' | 'starting' | 'not-allowed' | { conferenceUrl: string; supervisorUrl: string };
}

/** The rooms that somebody may see. */
export function RoomsPage({ texts, said, parts, isStoreAway, canControl, now, id, empty }: RoomsPageProps) {
  return (
    <>
      <h1 class="hidden">{texts.board.title}</h1>
      <p id="link" class="link" data-state={isStoreAway ? 'away' : 'still'}>
        {isStoreAway ? `${texts.link.storeAway} ` : ''}
        {texts.board.asOf(new Date(now).toISOString().slice(11, 19))} <a href="/">{texts.board.reload}</a>
      </p>
      <div
        id="news"
        role="status"
        aria-live="polite"
        class={said === undefined ? '' : said.isProblem ? 'problem' : 'done'}
      >
        {said === undefined ? null : <p>{said.text}</p>}
      </div>
      <Raw html={parts?.top ?? '<dl id="top" hidden></dl>'} />
      <Raw html={parts?.you ?? '<section id="you" hidden></section>'} />
      <div class="tools">
        <label class="search">
          <span class="hidden">{texts.board.search}</span>
          <input id="search" type="search" placeholder={texts.board.searchHint} autoComplete="off" />
        </label>
        <button type="button" id="held" hidden />
        <button type="button" id="keys-button" aria-haspopup="dialog">
          <span aria-hidden="true">?</span>
          <span class="hidden">{texts.keys.title}</span>
        </button>
      </div>
      {canControl ? null : <p class="hint">{texts.board.noControl}</p>}
      <p id="no-match" hidden>
        {texts.board.noMatch}
      </p>
      <div id="board" data-id={id}>
        {SECTIONS.map((section) => {
          const rooms = parts?.order.find(([name]) => name === section)?.[1] ?? [];
          return (
            <section class={`rooms ${section}`} data-section={section} aria-labelledby={`${section}-title`}>
              <h2 id={`${section}-title`}>
                {texts.sections[section]} <span class="count">{rooms.length}</span>
              </h2>
              <p class="empty">{texts.sectionEmpty[section]}</p>
              <div
                class="cards"
                dangerouslySetInnerHTML={{ __html: rooms.map((room) => parts?.cards.get(room)?.html ?? '').join('') }}
              />
            </section>
          );
        })}
      </div>
      <Empty empty={empty} texts={texts} />
      <KeysDialog texts={texts} />
      <dialog id="confirm" aria-labelledby="confirm-text" />
    </>
  );
}

/** Our own HTML, rendered before. */
function Raw({ html }: { html: string }) {
  return <div class="raw" dangerouslySetInnerHTML={{ __html: html }} />;
}

function Empty({ empty, texts }: Pick<RoomsPageProps, 'empty' | 'texts'>) {
  if (typeof empty === 'object') {
    return (
      <section id="empty" class="first-run">
        <h2>{texts.board.firstRunTitle}</h2>
        <p>{texts.board.firstRun[0]}</p>
        <p>
          <code>{empty.conferenceUrl}</code>
        </p>
        <p>{texts.board.firstRun[1]}</p>
        <p>
          <code>{empty.supervisorUrl}</code>
        </p>
        <p>{texts.board.firstRunHint}</p>
      </section>
    );
  }
  const words = { none: texts.board.empty, starting: texts.board.starting, 'not-allowed': texts.board.notAllowed };
  return (
    <section id="empty" data-empty={empty}>
      <p>{words[empty]}</p>
    </section>
  );
}

function KeysDialog({ texts }: { texts: Texts }) {
  return (
    <dialog id="keys" aria-labelledby="keys-title">
      <h2 id="keys-title">{texts.keys.title}</h2>
      <dl>
        {texts.keys.list.map(([key, meaning]) => (
          <div>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">{texts.actions.close}</button>
      </form>
    </dialog>
  );
}
