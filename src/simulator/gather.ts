import type { Clock } from './clock';
import type { Gather, Prompt } from './laml-parser';

/** What a `<Gather>` needs from its call. */
export interface GatherContext {
  clock: Clock;
  /** Aborted when the call hangs up or is redirected. */
  signal: AbortSignal;
  /** Plays a prompt; rejects as soon as the signal is aborted. */
  prompt: (prompt: Prompt, signal: AbortSignal) => Promise<void>;
  /** Sets what is called with each key; undefined stops listening. */
  listen: (onKey: ((key: string) => void) | undefined) => void;
  /** Called when waiting for keys begins after the prompts, and when it ends. */
  wait: (isWaiting: boolean) => void;
}

/**
 * Plays the prompts of a `<Gather>` until a key is pressed, and collects keys until it is finished or times out.
 *
 * @returns the keys, without `finishOnKey`
 * @throws the signal's reason if the call is interrupted
 */
export async function gatherDigits(verb: Gather, context: GatherContext): Promise<string> {
  const { clock, signal, prompt, listen, wait } = context;
  let digits = '';
  let finished = false;
  let pressed = new AbortController();

  /** Resolves when `work` is done or a key is pressed. */
  async function untilKey(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await work(AbortSignal.any([signal, pressed.signal])).catch(() => signal.throwIfAborted());
  }

  listen((key) => {
    if (!finished) {
      finished = verb.finishOnKey.includes(key);
      digits += finished ? '' : key;
      finished ||= digits.length === verb.numDigits;
      pressed.abort();
    }
  });
  try {
    for (const one of verb.prompts) {
      if (!pressed.signal.aborted) {
        await untilKey((either) => prompt(one, either));
      }
    }
    wait(true);
    while (!finished) {
      pressed = new AbortController();
      await untilKey((either) => clock.sleep(verb.timeoutSeconds * 1000, either));
      if (!pressed.signal.aborted) {
        break;
      }
    }
  } finally {
    wait(false);
    listen(undefined);
  }
  return digits;
}
