import type { ComponentChildren } from 'preact';
import type { Texts } from '../texts-en';
import type { Viewer } from '../viewer';

/** The addresses of the scripts and style sheets, of the screen and of walls, and of their icon. */
export interface AssetUrls {
  script: string;
  style: string;
  wallScript: string;
  wallStyle: string;
  icon: string;
}

export interface LayoutProps {
  texts: Texts;
  assets: AssetUrls;
  title: string;
  /** Undefined on pages for everybody. */
  viewer: Viewer | undefined;
  now: number;
  /** The address of this page, to mark it in the navigation. */
  path: string;
  /** What comes before every path, see `basePathOf`. */
  basePath: string;
  children: ComponentChildren;
}

/** A whole page. */
export function Layout({ texts, assets, title, viewer, now, path, basePath, children }: LayoutProps) {
  return (
    <html lang={texts.language}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · ${texts.product}`}</title>
        <link rel="stylesheet" href={assets.style} />
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        {viewer === undefined ? null : <script src={assets.script} defer />}
      </head>
      <body data-now={now} data-viewer={viewer?.sessionId} data-base={basePath}>
        <a class="skip" href="#main">
          {texts.skip}
        </a>
        <header class="bar">
          <strong>{texts.product}</strong>
          {viewer === undefined ? null : <Navigation texts={texts} viewer={viewer} path={path} />}
        </header>
        <main id="main">
          {children}
          {viewer === undefined || path === '/sign-out-everywhere' ? null : (
            <footer>
              <a class="button" href="/sign-out-everywhere">
                {texts.signOutEverywhere.title}
              </a>
            </footer>
          )}
        </main>
        {viewer === undefined ? null : <ScriptTexts texts={texts} />}
      </body>
    </html>
  );
}

function Navigation({ texts, viewer, path }: { texts: Texts; viewer: Viewer; path: string }) {
  const { rights } = viewer.actor;
  const links: readonly (readonly [href: string, label: string, isFor: boolean])[] = [
    ['/', texts.nav.rooms, viewer.role === 'supervisor'],
    ['/recordings', texts.nav.recordings, rights.has('record')],
    ['/audit', texts.nav.audit, rights.has('audit')],
    ['/mine', texts.nav.mine, viewer.agent !== undefined],
  ];
  return (
    <>
      <nav>
        {links.map(([href, label, isFor]) =>
          isFor ? (
            <a href={href} aria-current={href === path ? 'page' : undefined}>
              {label}
            </a>
          ) : null,
        )}
      </nav>
      <form method="post" action="/sign-out" class="out">
        <span class="name">{viewer.name}</span>
        <button type="submit">{texts.nav.signOut}</button>
      </form>
    </>
  );
}

/** What the script says: it has no texts of its own. */
function ScriptTexts({ texts }: { texts: Texts }) {
  const { link, board, actions, card } = texts;
  return (
    <template id="texts">
      {JSON.stringify({
        live: link.live,
        connecting: link.connecting,
        stale: link.stale,
        staleHint: link.staleHint,
        storeAway: link.storeAway,
        held: board.held,
        showHeld: board.showHeld,
        ended: card.ended,
        failed: texts.problems.other,
        requested: Object.fromEntries(
          Object.entries(texts.modes).map(([mode, name]) => [mode, texts.hearing.requested(name)]),
        ),
        undo: Object.fromEntries(Object.entries(texts.modes).map(([mode, name]) => [mode, actions.undo(name)])),
      })}
    </template>
  );
}
