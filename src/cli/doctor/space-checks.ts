import { type ConferenceApi, type SpaceAccount, SpaceError, type SpaceNumber } from '../../signalwire/conference-api';
import { judgeClock } from './clock';
import { error, type Finding, ok, skipped } from './finding';
import { explainNetworkError } from './network-problem';

const CREDENTIALS = 'space.credentials';
const VOICE_SCOPE = 'space.voice-scope';
const ACCOUNT = 'space.account';
const CLOCK = 'space.clock';

/** What the Space's REST API told, for these checks and those of the numbers. */
export interface SpaceAnswers {
  findings: Finding[];
  /** The account's numbers, or why it did not tell them. */
  numbers: readonly SpaceNumber[] | { reason: string; remedy: string | null };
}

/** The findings without the REST API. */
export function skipSpace(reason: string): SpaceAnswers {
  return { findings: skipped([CREDENTIALS, VOICE_SCOPE, ACCOUNT, CLOCK], reason), numbers: { reason, remedy: null } };
}

/**
 * Asks the Space three things at once, each with a scope of its own, and judges the answers.
 *
 * @param url the Space's address
 * @param now milliseconds since 1970
 */
export async function checkSpace(
  space: Pick<ConferenceApi, 'listConferences' | 'findAccount' | 'listNumbers'>,
  url: string,
  now: () => number,
): Promise<SpaceAnswers> {
  const askedAt = now();
  const [conferences, account, numbers] = await Promise.all([
    answerOf(space.listConferences()),
    answerOf(space.findAccount().then((found) => ({ ...found, at: (askedAt + now()) / 2 }))),
    answerOf(space.listNumbers()),
  ]);
  const name = new URL(url).host;
  const answers = [conferences, account, numbers];
  const problems = answers.flatMap(({ problem }) => problem ?? []);
  const [problem] = problems;
  if (problem !== undefined && problems.length === answers.length) {
    const reason = 'The REST API cannot be used.';
    return {
      findings: [explainCredentials(problem, name), ...skipped([VOICE_SCOPE, ACCOUNT, CLOCK], reason)],
      numbers: { reason, remedy: null },
    };
  }
  return {
    findings: [
      ok(CREDENTIALS, `${name} accepts project and token.`),
      judgeScope(conferences.problem),
      ...(account.value === undefined
        ? skipped([ACCOUNT, CLOCK], 'The token may not read the account.', 'Give it the scope Management.')
        : judgeAccount(account.value)),
    ],
    numbers: numbers.value ?? {
      reason: 'The token may not read the numbers.',
      remedy: 'Give it the scope Numbers.',
    },
  };
}

/** Why nothing could be asked. */
function explainCredentials(problem: SpaceError, name: string): Finding {
  const { code, status } = problem;
  if (code === 'timeout' || code === 'unreachable') {
    const { message, remedy } = explainNetworkError(code === 'timeout' ? { code: 'TIMED_OUT' } : problem, name);
    return error(CREDENTIALS, message, `${remedy} The address is SIGNALWIRE_SPACE_URL.`);
  }
  if (status === 401 || status === 403) {
    return error(
      CREDENTIALS,
      `${name} refuses SIGNALWIRE_PROJECT_ID and SIGNALWIRE_API_TOKEN together (${status}).`,
      'Copy both again from the API page of this Space: the token must be of this project.',
    );
  }
  return code === 'unreadable' || status === 404
    ? error(
        CREDENTIALS,
        `${name} does not answer as a Space does.`,
        'Correct SIGNALWIRE_SPACE_URL: it is the host of your Space, such as example.signalwire.com.',
      )
    : error(CREDENTIALS, `${name} fails (${status}).`, 'Try again later, and see SignalWire’s status page.');
}

function judgeScope(problem: SpaceError | undefined): Finding {
  if (problem === undefined) {
    return ok(VOICE_SCOPE, 'The token may read conferences. Only a call shows whether it may also change them.');
  }
  return problem.status === 401 || problem.status === 403
    ? error(
        VOICE_SCOPE,
        `The token may not read conferences (${problem.status}): the server cannot mute anybody.`,
        'Give the token the scope Voice.',
      )
    : error(VOICE_SCOPE, `Conferences cannot be read: ${problem.message}`, 'Try again.');
}

function judgeAccount({ status, spaceDate, at }: SpaceAccount & { at: number }): Finding[] {
  return [
    status === undefined || status === 'active'
      ? ok(ACCOUNT, 'The project is active.')
      : error(ACCOUNT, `The project is ${status}: it takes no calls.`, 'Ask SignalWire.'),
    spaceDate === undefined
      ? { id: CLOCK, status: 'skipped', message: 'The Space did not tell the time.', remedy: null }
      : // The date has no fraction of a second: on average, half of one is missing.
        judgeClock(CLOCK, 'The clock of this machine', 'the Space', at - spaceDate.getTime() - 500),
  ];
}

type Answer<T> = { value: T; problem?: undefined } | { value?: undefined; problem: SpaceError };

async function answerOf<T>(request: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await request };
  } catch (problem) {
    if (problem instanceof SpaceError) {
      return { problem };
    }
    throw problem;
  }
}
