/** What has changed; see screen-stream.ts. */
interface BoardMessage {
  now: number;
  store: string;
  cards?: Record<string, string>;
  order?: [string, string[]][];
  top?: string;
  you?: string;
}

const board = find('#board');
/** The cards of rooms, by name; also of those that wait to be shown or removed. */
const cards = new Map(findAll('article[data-room]').map((card) => [card.dataset.room ?? '', card]));
let order: [string, string[]][] = findAll('section[data-section]').map((section) => [
  section.dataset.section ?? '',
  findAll('article[data-room]', section).map((card) => card.dataset.room ?? ''),
]);
/** The panel as the server sent it last. */
let you = find('#you')?.outerHTML ?? '';
/** How many times it did. */
let changesOfYou = 0;
let isPointerInBoard = false;
/** When cards moved last, by `performance.now()`. */
let movedAt = 0;

function applyBoard(message: BoardMessage): void {
  const heightBefore = heightOfBoard();
  for (const [room, html] of Object.entries(message.cards ?? {})) {
    putCard(room, html);
  }
  if (heightOfBoard() !== heightBefore) {
    movedAt = performance.now();
  }
  if (message.order !== undefined) {
    order = message.order;
    // The rooms are known now: the page says that they are not.
    if (find('#empty[data-empty="starting"]') !== null) {
      location.reload();
    }
  }
  if (message.cards !== undefined || message.order !== undefined) {
    arrange();
  }
  const top = find('#top');
  if (message.top !== undefined && top !== null) {
    morph(top, message.top);
  }
  if (message.you !== undefined) {
    you = message.you;
    changesOfYou++;
    const before = whoHears();
    showYou();
    // Told also when nobody here has asked for it: the conversation may have changed.
    if (before !== whoHears() && !isOwnChange()) {
      say(whoHears(), 'done');
    }
  }
  tick();
}

/** Who hears this person, in words, without the shape before them. */
function whoHears(): string {
  const spoken = findAll('#you .hearing').flatMap(({ childNodes }) =>
    [...childNodes].filter((node) => !(node instanceof Element && node.ariaHidden === 'true')),
  );
  const words = spoken.map(({ textContent }) => textContent?.trim() ?? '').filter((text) => text !== '');
  return words.length > 0 ? words.join('. ') : (find('#you .nowhere')?.dataset.short ?? '');
}

/** Shows the panel as the server knows it: nothing that was only requested here. */
function showYou(): void {
  const panel = find('#you');
  if (panel !== null) {
    morph(panel, you);
    tick(find('#you') ?? document);
  }
}

/** Where fingers tap; elsewhere it need not be measured, see `isMeant`. */
function heightOfBoard(): number {
  return matchMedia('(any-pointer: coarse)').matches ? (board?.offsetHeight ?? 0) : 0;
}

function putCard(room: string, html: string): void {
  const known = cards.get(room);
  if (known !== undefined) {
    morph(known, html);
    return;
  }
  const template = document.createElement('template');
  template.innerHTML = html;
  // A template's content is of another document, without a root, in which nothing can be morphed.
  const card = document.importNode(template.content, true).firstElementChild;
  if (card instanceof HTMLElement) {
    cards.set(room, card);
  }
}

/** Whether somebody is about to use a card, so that none may move. */
function isBoardInUse(): boolean {
  return isPointerInBoard || board?.contains(document.activeElement) === true || find('dialog[open]') !== null;
}

/** Puts the cards where they belong, or marks what has ended and tells how much waits. */
function arrange(isForced = false): void {
  if (board === null) {
    return;
  }
  const wanted = new Map(order.flatMap(([section, rooms]) => rooms.map((room) => [room, section] as const)));
  if (isForced || !isBoardInUse()) {
    place(wanted);
  }
  const waiting = [...cards].filter(([room, card]) => sectionOf(card) !== wanted.get(room));
  for (const [room, card] of cards) {
    const isGone = !wanted.has(room);
    const state = find('.state', card);
    card.classList.toggle('gone', isGone);
    if (isGone && state !== null) {
      state.textContent = texts.ended;
    }
  }
  const isUrgent = waiting.some(([room]) => wanted.get(room) === 'attention');
  showWaiting(waiting.length, isUrgent);
  filterCards();
}

function sectionOf(card: HTMLElement): string | undefined {
  return card.isConnected ? card.closest<HTMLElement>('section[data-section]')?.dataset.section : undefined;
}

function place(wanted: ReadonlyMap<string, string>): void {
  for (const [room, card] of cards) {
    if (!wanted.has(room)) {
      card.remove();
      cards.delete(room);
      movedAt = performance.now();
    }
  }
  for (const [section, rooms] of order) {
    const list = find(`section[data-section="${section}"] .cards`);
    let next = list?.firstElementChild ?? null;
    for (const room of rooms) {
      const card = cards.get(room);
      if (card !== undefined && card === next) {
        next = next.nextElementSibling;
      } else if (card !== undefined) {
        list?.insertBefore(card, next);
        movedAt = performance.now();
      }
    }
  }
  for (const section of findAll('section[data-section]')) {
    const count = find('.count', section);
    if (count !== null) {
      count.textContent = String(findAll('article', section).length);
    }
  }
}

/** Tells how many rooms will appear, move or go once the board is not in use. */
function showWaiting(count: number, isUrgent: boolean): void {
  const button = find('#held');
  if (button === null) {
    return;
  }
  button.hidden = count === 0;
  button.classList.toggle('urgent', isUrgent);
  const sentence = count === 1 ? texts.held.one : texts.held.many.replace('{count}', String(count));
  button.textContent = `${sentence}. ${texts.showHeld}`;
}

/** Shows only the cards with what was typed into the search. */
function filterCards(): void {
  const search = find('#search') as HTMLInputElement | null;
  const words = search?.value.trim().toLowerCase() ?? '';
  let matches = 0;
  for (const card of cards.values()) {
    const isMatch = words === '' || (card.textContent ?? '').toLowerCase().includes(words);
    card.hidden = !isMatch;
    matches += Number(isMatch);
  }
  const none = find('#no-match');
  if (none !== null) {
    none.hidden = matches > 0 || words === '';
  }
}

// The whole board moves when something above it changes its height.
const above = new ResizeObserver(() => {
  movedAt = performance.now();
});
for (const element of findAll('#link, #top, #you, .tools')) {
  above.observe(element);
}

board?.addEventListener('pointerenter', () => {
  isPointerInBoard = true;
});
board?.addEventListener('pointerleave', () => {
  isPointerInBoard = false;
  arrange();
});
board?.addEventListener('focusout', () => setTimeout(arrange));
find('#held')?.addEventListener('click', () => arrange(true));
find('#search')?.addEventListener('input', filterCards);
