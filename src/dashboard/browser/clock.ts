/** How far the server's clock is ahead of this one, in milliseconds. */
let clockAheadMs = Number(document.body.dataset.now) - Date.now();

/** @param now the server's clock */
function setClock(now: number): void {
  clockAheadMs = now - Date.now();
}

/** The same form as on the server. */
function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, '0');
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes).padStart(2, '0')}:${rest}`;
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
