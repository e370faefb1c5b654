import type { Request, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { callSidOf } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import type { Render } from './documents';
import type { Outcome } from './outcome';

/** A handler's answer to a call, and the work that follows. */
export interface Answer {
  outcome: Outcome;
  /** Done after the call was answered. */
  followUp?: (() => void) | undefined;
}

export interface LamlHandlerOptions<Input> {
  /** @throws RequestError */
  parse: (req: Request) => Input;
  answer: (input: Input) => Answer | Promise<Answer>;
  /** The outcome if `answer` fails unexpectedly. */
  fallback: (req: Request) => Outcome;
  render: Render;
  log: Logger;
}

/**
 * A handler that answers a request of a call with a document, whatever fails here. Only a request that cannot be meant for
 * us gets an error: one without a Call SID, for a room that cannot be, or in an unknown mode.
 */
export function lamlHandler<Input>(options: LamlHandlerOptions<Input>): RequestHandler {
  const { parse, answer, fallback, render, log } = options;
  return async (req, res) => {
    let document: string;
    let answered: Answer;
    try {
      const input = parse(req);
      res.locals.input = input;
      answered = await answer(input);
      document = render(answered.outcome);
    } catch (err) {
      if (err instanceof RequestError) {
        throw err;
      }
      answered = { outcome: fallback(req) };
      document = render(answered.outcome);
      log.error({ err, callSid: callSidOf(req) }, 'Document failed; sent the fallback document');
    }
    res.locals.outcome = answered.outcome;
    res.setHeader('Content-Type', 'text/xml; charset=utf-8');
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('Content-Length', Buffer.byteLength(document));
    res.end(document);
    answered.followUp?.();
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
