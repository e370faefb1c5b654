interface WallMessage {
  now: number;
  store: string;
  /** Of the page: another one means that the server is another version. */
  version: string;
  html?: string;
}

let wallSource: EventSource | undefined;
let wallReconnection: number | undefined;
/** When what is shown was sent, by this browser's clock. */
let wallNewsAt = Date.now();
let wallStore = 'ok';

function receiveWall(data: string): void {
  const { now, store: sent, version, html } = JSON.parse(data) as WallMessage;
  if (version !== document.body.dataset.version) {
    location.reload();
    return;
  }
  wallNewsAt = sentAt(now);
  wallStore = sent;
  setClock(now, wallNewsAt);
  const wall = find('#wall');
  if (html !== undefined && wall !== null) {
    wall.innerHTML = html;
  }
  tick();
  showWallLink();
}

function connectWall(): void {
  wallSource?.close();
  beginConnection();
  const opened = new EventSource(`${location.pathname}/live`);
  wallSource = opened;
  opened.addEventListener('wall', ({ data }) => receiveWall(data));
  opened.addEventListener('heartbeat', ({ data }) => receiveWall(data));
  opened.addEventListener('gone', () => location.reload());
  opened.addEventListener('error', () => {
    if (opened.readyState === EventSource.CLOSED) {
      void leaveIfGone();
    }
    opened.close();
    clearTimeout(wallReconnection);
    wallReconnection = setTimeout(connectWall, reconnectionDelayMs());
  });
}

/** A page that the server refuses is left; without a server it stays, because a TV has nobody to reload it. */
async function leaveIfGone(): Promise<void> {
  const response = await fetch(location.pathname).catch(() => undefined);
  if (response?.status === 404) {
    location.reload();
  }
}

function watchWall(): void {
  if (ageOf(wallNewsAt, connectedAt) > SILENCE_MS) {
    connectWall();
  }
  showWallLink();
}

function showWallLink(): void {
  const silentMs = ageOf(wallNewsAt);
  const state = silentMs > SILENCE_MS ? 'stale' : wallStore === 'ok' ? 'live' : 'away';
  const sentences: Record<string, string> = {
    stale: staleSentence(silentMs),
    live: texts.live,
    away: texts.storeAway,
  };
  document.body.dataset.link = state;
  const link = find('#link');
  const sentence = sentences[state] ?? '';
  if (link !== null && link.textContent !== sentence) {
    link.textContent = sentence;
  }
}

connectWall();
setInterval(watchWall, 1_000);
