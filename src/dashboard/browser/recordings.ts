/** Says why there is no sound: the server told the player, which does not show it. */
async function explainSilence(url: string): Promise<void> {
  const abort = new AbortController();
  try {
    const response = await fetch(url, { headers: { Accept: 'application/json' }, signal: abort.signal });
    if (response.status === 401) {
      signIn();
    }
    say(response.ok ? texts.failed : (((await response.json()) as ActionAnswer).problem ?? texts.failed), 'problem');
  } catch {
    say(texts.failed, 'problem');
  } finally {
    abort.abort();
  }
}

// Such errors do not bubble.
document.addEventListener(
  'error',
  ({ target }) => target instanceof HTMLAudioElement && void explainSilence(target.src),
  true,
);
