/** What is said when the server does not answer. */
const GONE = 'The demo does not answer. Was it stopped?';

/** Requests are sent one after the other, so that keys arrive in the order in which they were pressed. */
let sent: Promise<void> = Promise.resolve();

/** Sets texts and attributes of elements, by id. Texts that stay are left alone: screen readers would say them again. */
function show(state: Record<string, Record<string, string>>): void {
  for (const [id, { text, ...attributes }] of Object.entries(state)) {
    const element = document.getElementById(id);
    if (text !== undefined && element?.textContent !== text) {
      element?.replaceChildren(text);
    }
    for (const [attribute, value] of Object.entries(attributes)) {
      element?.setAttribute(attribute, value);
    }
  }
}

function say(text: string): void {
  show({ notice: { text } });
}

async function post(url: string, action: string): Promise<void> {
  try {
    const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ do: action }) });
    say(response.ok ? await response.text() : GONE);
  } catch {
    say(GONE);
  }
}

document.addEventListener('submit', (event) => {
  const { target: form, submitter: button } = event;
  if (form instanceof HTMLFormElement && button instanceof HTMLButtonElement) {
    event.preventDefault();
    const { value } = button;
    sent = sent.then(() => post(form.action, value));
  }
});

const changes = new EventSource('/events');
changes.addEventListener('state', ({ data }) => show(JSON.parse(data)));
changes.addEventListener('open', () => say(''));
changes.addEventListener('error', () => say(GONE));
