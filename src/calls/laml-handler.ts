import type { Request, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { callSidOf } from '../signalwire/fields';
import { RequestError } from '../signalwire/request-error';
import type { Render } from './documents';
import type { Decision, Outcome } from './outcome';

/** What a handler answers. */
export interface Answer {
  outcome: Outcome;
  /** Fields for the request's line in the log. */
  log?: object;
  /** What no call waits for. */
  followUp?: () => void;
}

/** Answers a request of a call. */
export type AnswerCall = (req: Request) => Answer | Promise<Answer>;

/**
 * A handler that answers with a document. A phone call gets one even when `answer` fails for a reason nobody foresaw:
 * then `fallback` is rendered, and the reason is logged.
 */
export function lamlHandler(
  answer: AnswerCall,
  { fallback, render, log }: { fallback: (req: Request) => Outcome; render: Render; log: Logger },
): RequestHandler {
  return async (req, res) => {
    let document: string;
    let followUp: Answer['followUp'];
    try {
      const answered = await answer(req);
      document = render(answered.outcome);
      followUp = answered.followUp;
      res.locals.details = answered.log;
    } catch (err) {
      if (err instanceof RequestError) {
        throw err;
      }
      log.error({ err, callSid: callSidOf(req) }, 'Document failed; sent the fallback document');
      document = render(fallback(req));
    }
    res.setHeader('Content-Type', 'text/xml; charset=utf-8');
    res.setHeader('Cache-Control', 'no-store');
    res.end(document);
    followUp?.();
  };
}

/** Decides as soon as everything is read that the decision needs; one read leads to the next. */
export async function decideWith<V extends object, N extends { needs: string }>(
  decide: (view: V) => Decision | N,
  initialView: V,
  read: (need: N, view: V) => Promise<Partial<V>>,
): Promise<Decision> {
  let view = initialView;
  for (;;) {
    const step = decide(view);
    if (!('needs' in step)) {
      return step;
    }
    view = { ...view, ...(await read(step, view)) };
  }
}

/** An outcome for the log. */
export function detailsOf(outcome: Outcome): object {
  const { kind } = outcome;
  if (kind === 'wait') {
    return { outcome: kind, reason: outcome.reason, ...(outcome.room !== undefined && { room: outcome.room }) };
  }
  if (kind !== 'join') {
    return { outcome: kind };
  }
  if (outcome.role !== 'supervisor') {
    return { outcome: kind, role: outcome.role, ...(outcome.role === 'moderator' && { name: outcome.name }) };
  }
  const { role, name, state, context, target } = outcome;
  return { outcome: kind, role, name, room: state.room, mode: context.mode, target: target.callSid };
}
