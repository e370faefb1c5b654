/** How far the server's clock is ahead of this one, in milliseconds. */
let clockAheadMs = Number(document.body.dataset.now) - Date.now();

/** @param now the server's clock when this one showed `at` */
function setClock(now: number, at: number): void {
  clockAheadMs = now - at;
}

/** A server that sends nothing for this long hangs, or the connection is dead. It sends something every 5 s. */
const SILENCE_MS = 8_000;

/** When this page last requested its stream, by this browser's clock; and the server's clock in the first message of it. */
let connectedAt = 0;
let firstNow: number | undefined;

/** Milliseconds until a lost stream is opened again: not in all browsers at the same moment. */
function reconnectionDelayMs(): number {
  return 500 + Math.random() * 1_500;
}

function beginConnection(): void {
  connectedAt = Date.now();
  firstNow = undefined;
}

/**
 * When the server sent a message, by this browser's clock; at most a second too early. A proxy may hold messages back, so this
 * counts from the request for the stream, not from the arrival.
 *
 * @param now the server's clock, in the message
 */
function sentAt(now: number): number {
  firstNow ??= now;
  return Math.min(connectedAt + now - firstNow, Date.now());
}

/** Milliseconds since the latest of these instants. If the clock was set back since, nobody knows: for ever. */
function ageOf(...instants: number[]): number {
  const ms = Date.now() - Math.max(...instants);
  return ms < -1_000 ? Number.POSITIVE_INFINITY : Math.max(0, ms);
}

/** The same form as on the server. */
function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, '0');
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes).padStart(2, '0')}:${rest}`;
}

/** Says that what is shown is old. @param ms how old */
function staleSentence(ms: number): string {
  const ago = Number.isFinite(ms) ? `${texts.stale.replace('{ago}', formatDuration(ms))}. ` : '';
  return ago + texts.staleHint;
}

/** Lets every duration on the page go on. */
function tick(root: ParentNode = document): void {
  const now = Date.now() + clockAheadMs;
  for (const element of findAll('time[data-since]', root)) {
    const text = formatDuration(now - Number(element.dataset.since));
    if (element.textContent !== text) {
      element.textContent = text;
    }
  }
  for (const element of findAll('[data-target]', root)) {
    const since = Number(find('time[data-since]', element)?.dataset.since ?? now);
    element.classList.toggle('missed', now - since > Number(element.dataset.target));
  }
}

setInterval(tick, 1_000);
tick();

for (const element of findAll('time[data-local]')) {
  element.textContent = new Date(element.getAttribute('datetime') ?? '').toLocaleString(document.documentElement.lang);
}
