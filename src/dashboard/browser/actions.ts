/** What the server says about an action. */
interface ActionAnswer {
  said?: string;
  problem?: string;
  /** HTML that asks whether to do it. */
  confirm?: string;
}

/** How long there is a way back from talking to everyone, in milliseconds. */
const WAY_BACK_MS = 5_000;

/** How long something said stays, in milliseconds. */
const SAID_MS = 8_000;

/** Longer than an action may take, in milliseconds. */
const ANSWER_MS = 20_000;

let forgetting: number | undefined;
let actionsInProgress = 0;
/** Counts actions; and the latest whose outcome was said. */
let actions = 0;
let saidAction = 0;
/** When the latest action was answered, by `performance.now()`. */
let answeredAt = Number.NEGATIVE_INFINITY;

/** Within this time of an answer, what changes is its effect, and has been said. In milliseconds. */
const EFFECT_MS = 1_500;

/** Whether this person's own action explains what changes now. */
function isOwnChange(): boolean {
  return actionsInProgress > 0 || performance.now() - answeredAt < EFFECT_MS;
}

/** Says something, also to screen readers. @param button a way to undo it */
function say(
  sentence: string,
  kind: 'done' | 'problem',
  { button, ms = SAID_MS }: { button?: HTMLElement; ms?: number } = {},
): void {
  const news = find('#news');
  if (news === null) {
    return;
  }
  const paragraph = document.createElement('p');
  paragraph.textContent = sentence;
  news.replaceChildren(paragraph, ...(button === undefined ? [] : [button]));
  news.className = kind;
  clearTimeout(forgetting);
  forgetting = setTimeout(() => news.replaceChildren(), ms);
}

async function post(url: string, form: HTMLFormElement): Promise<ActionAnswer> {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    body.append(name, String(value));
  }
  const headers = { Accept: 'application/json' };
  const signal = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(url, { method: 'POST', headers, body, signal });
  if (response.status === 401) {
    signIn();
  }
  return (await response.json()) as ActionAnswer;
}

async function act(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  const url =
    submitter instanceof HTMLButtonElement && submitter.hasAttribute('formaction') ? submitter.formAction : form.action;
  const mode = submitter?.dataset.mode;
  const presence = form.closest<HTMLElement>('.presence');
  const heardBefore = presence?.dataset.heard;
  const changesBefore = changesOfYou;
  const action = ++actions;
  actionsInProgress++;
  submitter?.setAttribute('aria-busy', 'true');
  if (mode !== undefined && presence !== null) {
    showRequested(presence, mode);
  }
  try {
    const answer = await post(url, form);
    if (answer.confirm !== undefined) {
      ask(answer.confirm);
    } else if (answer.problem !== undefined) {
      say(answer.problem, 'problem');
    } else if (answer.said !== undefined) {
      form.reset();
      // A success is not announced after that of a later action.
      if (action > saidAction) {
        saidAction = action;
        const wayBack = mode === 'barge' ? wayBackTo(url, heardBefore) : undefined;
        say(answer.said, 'done', wayBack === undefined ? {} : { button: wayBack, ms: WAY_BACK_MS });
      }
    }
  } catch {
    say(texts.failed, 'problem');
  } finally {
    actionsInProgress--;
    answeredAt = performance.now();
    submitter?.removeAttribute('aria-busy');
    showOutcome(changesBefore);
  }
}

/** How long the stream has to tell what became of an action before it begins anew, in milliseconds. */
const TELL_MS = 1_000;

/**
 * Shows what has become of the panel. Until the server has told of a change since the action began, what it told before may
 * be wrong, and is not shown.
 */
function showOutcome(changesBefore: number): void {
  if (changesOfYou !== changesBefore) {
    showYou();
    return;
  }
  setTimeout(() => {
    if (changesOfYou === changesBefore) {
      resend(lastId);
    }
  }, TELL_MS);
}

/** Shows at once that nothing is confirmed any more, before the server has heard of the request. */
function showRequested(presence: HTMLElement, mode: string): void {
  presence.dataset.status = 'requested';
  find('.hearing', presence)?.classList.add('open');
  const status = find('.status', presence);
  if (status !== null) {
    status.textContent = texts.requested[mode] ?? '';
  }
}

/** A form that goes back to the mode before. */
function wayBackTo(url: string, heard: string | undefined): HTMLElement | undefined {
  if (heard !== 'monitor' && heard !== 'coach') {
    return undefined;
  }
  const back = new URL(url);
  back.searchParams.set('mode', heard);
  const form = document.createElement('form');
  form.method = 'post';
  form.action = back.href;
  const button = document.createElement('button');
  button.textContent = texts.undo[heard] ?? heard;
  form.append(button);
  return form;
}

/** Asks in a dialog, with the focus on what does nothing. */
function ask(html: string): void {
  const dialog = find('#confirm') as HTMLDialogElement | null;
  if (dialog !== null) {
    dialog.innerHTML = html;
    dialog.showModal();
    find('[data-cancel]', dialog)?.focus();
  }
}

/** How long a button that appears under a finger takes no click: it was meant for another one. */
const TOO_SOON_MS = 700;

/** Where the mouse was moved to last. What has come to be there since is not what its owner aimed at. */
let aim: { x: number; y: number; button: Element | null } | undefined;

document.addEventListener('pointermove', ({ clientX: x, clientY: y, target }) => {
  if (aim?.x !== x || aim.y !== y) {
    aim = { x, y, button: target instanceof Element ? target.closest('button') : null };
  }
});

/** Whether a click was meant for the button that got it. */
function isMeant(event: MouseEvent, button: Element): boolean {
  const isByKeyboard = event.detail === 0;
  if (isByKeyboard) {
    return true;
  }
  if (event instanceof PointerEvent && event.pointerType === 'mouse') {
    return aim === undefined || aim.button === button;
  }
  const changedAt = Math.max(appearedAt.get(button) ?? 0, board?.contains(button) ? movedAt : 0);
  return performance.now() - changedAt > TOO_SOON_MS;
}

document.addEventListener(
  'click',
  (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    if (button !== null && (button.getAttribute('aria-disabled') === 'true' || !isMeant(event, button))) {
      event.preventDefault();
      event.stopPropagation();
    }
  },
  true,
);

document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement;
  const { submitter } = event;
  const url = new URL(submitter?.getAttribute('formaction') ?? form.getAttribute('action') ?? '', location.href);
  if (form.method === 'post' && url.pathname.startsWith(`${basePath}/rooms/`)) {
    event.preventDefault();
    form.closest('dialog')?.close();
    void act(form, submitter);
  }
});

document.addEventListener('click', (event) => {
  const cancel = event.target instanceof Element ? event.target.closest('[data-cancel]') : null;
  const dialog = cancel?.closest('dialog');
  if (dialog) {
    event.preventDefault();
    dialog.close();
  }
});

for (const dialog of findAll('dialog')) {
  dialog.addEventListener('close', () => arrange());
}
