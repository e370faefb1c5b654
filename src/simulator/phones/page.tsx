import type { ComponentChildren, JSX } from 'preact';
import { renderToStaticMarkup } from 'preact-render-to-string';
import { KEYS, lineId, type PageState, TELEPHONES, type Telephone, type Telephones } from './telephones';

/** Names of the keys that a screen reader might leave out. */
const KEY_NAMES: Readonly<Record<string, string>> = { '*': 'star', '#': 'pound' };

/** Attributes and text of the element with this id, which the page's script keeps up to date. */
type Live = (id: string) => { id: string; children?: string };

/**
 * The page with the three telephones, as an HTML document.
 *
 * @param screenUrl what the frame beside them shows
 */
export function renderPage(telephones: Telephones, screenUrl: string): string {
  const live = liveIn(telephones.state());
  return `<!doctype html>${renderToStaticMarkup(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Three telephones · Conference Coach</title>
        <link rel="icon" href="/phones.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/phones.css" />
        <script src="/phones.js" defer />
      </head>
      <body>
        <main>
          <header>
            <h1>Three telephones</h1>
            <ol>
              <li>Call with Bob, a customer.</li>
              <li>Call with Alice, an agent.</li>
              <li>
                Sign in as Ted, their supervisor, with the password from your terminal, and press Listen. Answer his
                telephone and press <kbd>1</kbd>.
              </li>
            </ol>
            <p>Then choose Coach: only Alice hears him.</p>
            <noscript>
              <p>Without scripts, reload this page to see what has changed.</p>
            </noscript>
            <p id="notice" role="status" />
          </header>
          <section class="phones" aria-label="Telephones">
            <Lines live={live} />
            <div class="row">
              {TELEPHONES.map((telephone) => (
                <Phone telephone={telephone} number={telephones.numberOf(telephone.id)} live={live} />
              ))}
            </div>
          </section>
          <Screen url={screenUrl} />
        </main>
      </body>
    </html>,
  )}`;
}

function liveIn(state: PageState): Live {
  return (id) => {
    const { text, ...attributes } = state[id] ?? {};
    return { id, ...attributes, ...(text !== undefined && { children: text }) };
  };
}

function Phone(props: { telephone: Telephone; number: string; live: Live }): JSX.Element {
  const { telephone, number, live } = props;
  const { id, name, role, path } = telephone;
  return (
    <form {...live(id)} class="phone" method="post" action={`/telephones/${id}`} aria-labelledby={`${id}-name`}>
      <div class="heading">
        <h2 id={`${id}-name`}>{name}</h2>
        <p {...live(`${id}-status`)} class="status" />
      </div>
      <p class="about">
        {role}
        <br />
        {number}
        <br />
        dials <code>{path}</code>
      </p>
      <button {...live(`${id}-hook`)} class="hook" type="submit" name="do" />
      <fieldset class="keypad">
        <legend class="unseen">{`${name}’s keypad`}</legend>
        {KEYS.map((key) => (
          <button type="submit" name="do" value={key} aria-label={KEY_NAMES[key]}>
            {key}
          </button>
        ))}
      </fieldset>
      <p {...live(`${id}-hears`)} class="hears" role="status" />
      <h3>Last told</h3>
      <p {...live(`${id}-told`)} class="told" aria-live="polite" />
    </form>
  );
}

function Screen({ url }: { url: string }): JSX.Element {
  return (
    <section class="screen" aria-labelledby="screen">
      <h2 id="screen">The supervisors’ screen</h2>
      <p>
        <a href={url} target="_blank" rel="noreferrer">
          Open it in a tab of its own
        </a>
      </p>
      <iframe src={url} title="The supervisors’ screen" loading="lazy" />
    </section>
  );
}

/** Where each telephone stands in the drawing, from left to right. */
const CENTRES = [70, 210, 350] as const;

/**
 * The way of each arrow, and where it ends and in which direction, in degrees. The telephones' boxes are 84 wide and reach
 * from 88 to 120.
 */
const ARROWS = [
  { from: 0, to: 1, path: 'M114 97 H158', tip: [166, 97], turn: 0 },
  { from: 1, to: 0, path: 'M166 111 H122', tip: [114, 111], turn: 180 },
  { from: 1, to: 2, path: 'M254 97 H298', tip: [306, 97], turn: 0 },
  { from: 2, to: 1, path: 'M306 111 H262', tip: [254, 111], turn: 180 },
  { from: 0, to: 2, path: 'M58 86 C58 -12 362 -12 362 78', tip: [362, 86], turn: 90 },
  { from: 2, to: 0, path: 'M338 86 C338 16 82 16 82 78', tip: [82, 86], turn: 90 },
] as const;

/** A drawing of who hears whom. Each telephone says the same in words. */
function Lines({ live }: { live: Live }): JSX.Element {
  return (
    <figure class="lines">
      <svg viewBox="0 8 420 138" aria-hidden="true">
        {ARROWS.map(({ from, to, path, tip, turn }) => (
          <g {...live(lineId(at(from), at(to)))} class="line">
            <path class="way" d={path} />
            <path class="flow" d={path} />
            <path class="tip" d="M0 0 L-11 -7 V7 Z" transform={`translate(${tip.join(' ')}) rotate(${turn})`} />
          </g>
        ))}
        {TELEPHONES.map(({ id, name }, index) => (
          <Node x={CENTRES[index] ?? 0}>
            <text y="109">{name}</text>
            <text {...live(`${id}-music`)} class="music" y="140">
              ♪ music
            </text>
          </Node>
        ))}
      </svg>
      <figcaption>An arrow leads from each voice to whoever hears it.</figcaption>
    </figure>
  );
}

function Node({ x, children }: { x: number; children: ComponentChildren }): JSX.Element {
  return (
    <g transform={`translate(${x} 0)`}>
      <rect class="box" x="-42" y="88" width="84" height="32" rx="16" />
      {children}
    </g>
  );
}

function at(index: number): Telephone {
  return TELEPHONES[index] as Telephone;
}
