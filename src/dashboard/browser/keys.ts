function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  );
}

/** Moves the focus to another card. @param step 1 for the next, -1 for the one before */
function moveFocus(step: 1 | -1): void {
  const shown = findAll('#board article').filter(({ hidden }) => !hidden);
  const current = document.activeElement?.closest<HTMLElement>('article') ?? null;
  const index = current === null ? (step === 1 ? 0 : shown.length - 1) : shown.indexOf(current) + step;
  shown[index]?.focus();
}

/** In every room, also where nobody hears them as far as this page knows: it may be behind. */
function listen(): void {
  for (const button of findAll('#you button[data-mode="monitor"]')) {
    button.click();
  }
}

/** In several rooms it is for the person to say in which one. */
function chooseMode(mode: string): void {
  const [button, ...others] = findAll(`#you button[data-mode="${mode}"]`);
  if (others.length > 0) {
    button?.focus();
  } else {
    button?.click();
  }
}

function showKeys(): void {
  (find('#keys') as HTMLDialogElement | null)?.showModal();
}

const KEYS: Readonly<Record<string, () => void>> = {
  '/': () => find('#search')?.focus(),
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  '1': listen,
  '2': () => chooseMode('coach'),
  '3': () => chooseMode('barge'),
  Escape: listen,
  '?': showKeys,
};

document.addEventListener('keydown', (event) => {
  const { key, target, ctrlKey, altKey, metaKey, isComposing, repeat } = event;
  const isHeldDown = repeat && key !== 'j' && key !== 'k';
  if (ctrlKey || altKey || metaKey || isComposing || isHeldDown || find('dialog[open]') !== null) {
    return;
  }
  if (isTyping(target)) {
    if (key === 'Escape') {
      if (target instanceof HTMLInputElement && target.type === 'search') {
        target.value = '';
        filterCards();
      }
      (target as HTMLElement).blur();
      listen();
    }
    return;
  }
  const run = KEYS[key];
  if (run !== undefined) {
    event.preventDefault();
    run();
  }
});

find('#keys-button')?.addEventListener('click', showKeys);
