/** When a tab without news takes over the stream from the tab that has it. */
const TAKE_OVER_MS = 14_000;

interface StreamMessage {
  event: 'board' | 'heartbeat' | 'signed-out';
  data: BoardMessage;
  id: string;
  /** When the server sent it, by this browser's clock. */
  sentAt: number;
}

const streamName = `conference-coach ${viewerId}`;
/** One tab has the stream, and passes it on to the others. */
const channel = new BroadcastChannel(streamName);
let source: EventSource | undefined;
let reconnection: number | undefined;
/** The id of the latest message; at first, that of the page. */
let lastId = board?.dataset.id ?? '';
/** When what is shown was sent. All times are by this browser's clock, which goes on while it sleeps. */
let lastNewsAt = Date.now();
let isConnected = false;
/** When this tab last took over the stream. */
let tookOverAt = 0;
let store = 'ok';

function receive(message: StreamMessage): void {
  lastNewsAt = message.sentAt;
  lastId = message.id;
  isConnected = true;
  if (message.event === 'signed-out') {
    disconnect();
    signIn();
    return;
  }
  const { data } = message;
  store = data.store;
  if (store === 'ok' && owedSince !== undefined) {
    const since = owedSince;
    owedSince = undefined;
    resend(since);
  }
  setClock(data.now, message.sentAt);
  if (message.event === 'board') {
    try {
      applyBoard(data);
    } catch (error) {
      // Part of the message may not be shown. What the server renders is complete.
      location.reload();
      throw error;
    }
  }
  showLink();
}

function connect(): void {
  disconnect();
  beginConnection();
  const opened = new EventSource(`${basePath}/live?${new URLSearchParams({ after: lastId })}`);
  source = opened;
  for (const event of ['board', 'heartbeat', 'signed-out'] as const) {
    opened.addEventListener(event, ({ data: json, lastEventId }) => {
      // A server that hung goes on: there is nothing to open anew.
      clearTimeout(reconnection);
      reconnection = undefined;
      const data = JSON.parse(json) as BoardMessage;
      const message = { event, data, id: lastEventId, sentAt: sentAt(data.now) };
      channel.postMessage(message);
      receive(message);
    });
  }
  opened.addEventListener('error', () => {
    isConnected = false;
    showLink();
    // The browser would come back by itself, but not after an error status, and would not tell when.
    opened.close();
    reconnectSoon();
  });
}

function disconnect(): void {
  source?.close();
  source = undefined;
  clearTimeout(reconnection);
  reconnection = undefined;
}

function reconnectSoon(): void {
  clearTimeout(reconnection);
  reconnection = setTimeout(connect, reconnectionDelayMs());
}

/** Waits until no other tab has the stream, then opens it. Without locks, each tab has one. */
function lead(options: LockOptions = {}): void {
  if (navigator.locks === undefined) {
    connect();
    return;
  }
  const untilTakenOver = () =>
    new Promise<never>(() => {
      connect();
    });
  navigator.locks.request(streamName, options, untilTakenOver).catch(() => {
    disconnect();
    lead();
  });
}

/** The id to resend from once the server reaches its store; until then it cannot check the session. */
let owedSince: string | undefined;

/**
 * Has the server send again what has changed since `id`. By the stream, in whichever tab it is: whatever came another way
 * could be older than what the stream has sent, and be shown after it.
 */
function resend(id: string): void {
  if (source === undefined) {
    channel.postMessage({ event: 'resend', id });
  } else if (store !== 'ok') {
    owedSince = owedSince === undefined ? id : earlierId(owedSince, id);
  } else {
    lastId = earlierId(lastId, id);
    connect();
  }
}

/** The earlier of two ids; none, which stands for everything, if they cannot be compared. See screen-stream.ts. */
function earlierId(one: string, other: string): string {
  const [[server, scope, changes], [otherServer, otherScope, otherChanges]] = [one.split('.'), other.split('.')];
  if (server !== otherServer || scope !== otherScope) {
    return '';
  }
  return Number(changes) < Number(otherChanges) ? one : other;
}

function watchLink(): void {
  if (source !== undefined && ageOf(lastNewsAt, connectedAt) > SILENCE_MS && reconnection === undefined) {
    isConnected = false;
    reconnectSoon();
  }
  const isForsaken = source === undefined && ageOf(lastNewsAt, tookOverAt) > TAKE_OVER_MS;
  if (isForsaken && document.visibilityState === 'visible') {
    tookOverAt = Date.now();
    isConnected = false;
    lead({ steal: true });
  }
  showLink();
}

/** Says whether what is shown is up to date. */
function showLink(): void {
  const link = find('#link');
  const silentMs = ageOf(lastNewsAt);
  const isStale = silentMs > SILENCE_MS || (!isConnected && silentMs > 2_000);
  const state = isStale ? 'stale' : store !== 'ok' ? 'away' : isConnected ? 'live' : 'connecting';
  document.body.dataset.link = state;
  if (link === null) {
    return;
  }
  link.dataset.state = state;
  const sentences: Record<string, string> = {
    stale: staleSentence(silentMs),
    away: store === 'away' ? texts.storeAway : texts.connecting,
    live: texts.live,
    connecting: texts.connecting,
  };
  link.textContent = sentences[state] ?? '';
}

if (viewerId !== '') {
  channel.addEventListener('message', ({ data }) => {
    if (data.event !== 'resend') {
      receive(data);
    } else if (source !== undefined) {
      resend(data.id);
    }
  });
  lead();
  // Messages that another tab received before this one listened are missing here.
  const pageId = lastId;
  setTimeout(() => board !== null && source === undefined && resend(pageId), 300);
  setInterval(watchLink, 1_000);
  // A page that comes back from the browser's cache is old.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
}
