import type { Logger } from 'pino';
import { callSidOf } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import type { Render } from './documents';
import type { Outcome } from './outcome';
import type { Webhook, WebhookAnswer, WebhookHandler } from './webhook';

export interface LamlHandlerOptions<Input> {
  /** @throws RequestError */
  parse: (webhook: Webhook) => Input;
  answer: (input: Input) => Answer | Promise<Answer>;
  /** The outcome if `answer` fails unexpectedly. */
  fallback: (webhook: Webhook) => Outcome;
  render: Render;
  log: Logger;
}

/** The outcome of a request, and work to do after its answer was sent. */
export interface Answer {
  outcome: Outcome;
  followUp?: (() => void) | undefined;
}

/**
 * A handler that answers a request of a call with a document, whatever fails here. Only a request that cannot be meant for
 * us gets an error: one without a Call SID, for a room that cannot be, or in an unknown mode.
 */
export function lamlHandler<Input extends WebhookAnswer['input']>(options: LamlHandlerOptions<Input>): WebhookHandler {
  const { parse, answer, fallback, render, log } = options;
  return async (webhook) => {
    let input: Input | undefined;
    try {
      input = parse(webhook);
      const { outcome, followUp } = await answer(input);
      return { document: render(outcome), input, outcome, followUp };
    } catch (err) {
      if (err instanceof RequestError) {
        throw err;
      }
      const outcome = fallback(webhook);
      const document = render(outcome);
      log.error({ err, callSid: callSidOf(webhook.fields) }, 'Document failed; sent the fallback document');
      return { document, input, outcome };
    }
  };
}

type Need = { needs: string };

/** Decides as soon as everything is read that the decision needs; one read leads to the next. */
export async function decideWith<Input, View extends object, Step extends object>(
  decide: (input: Input, view: View) => Step,
  input: Input,
  initialView: View,
  read: (need: Extract<Step, Need>, input: Input, view: View) => Promise<Partial<View>>,
): Promise<Exclude<Step, Need>> {
  let view = initialView;
  for (;;) {
    const step = decide(input, view);
    if (!('needs' in step)) {
      return step as Exclude<Step, Need>;
    }
    view = { ...view, ...(await read(step as Extract<Step, Need>, input, view)) };
  }
}
