import type { FlightAnswer } from './flight';
import type { FlightLane } from './flight-lanes';
import type { FlightReading } from './flight-reading';
import type { FlightSubject } from './flight-url';
import type { Texts } from './texts-en';

/** What a supervisor is called. */
export function supervisorLabel(
  { supervisor, number }: Pick<FlightAnswer, 'supervisor' | 'number'>,
  { trail }: Texts,
): string {
  return supervisor ?? number ?? trail.unnamedSupervisor;
}

/** What an agent is called; undefined if nothing is known of the call. */
export function agentLabel(agents: readonly FlightLane[], callSid: string | undefined): string | undefined {
  const lane = agents.find((one) => one.callSid === callSid);
  return lane?.moderator ?? lane?.number;
}

/**
 * Whether the call could hear a supervisor, as a sentence with `{at}` in it; of a conference, or of a supervisor's own call,
 * who could.
 */
export function flightSentence(
  answer: FlightAnswer,
  { flight, kind }: Pick<FlightReading, 'flight' | 'kind'>,
  subject: FlightSubject,
  texts: Texts,
): string {
  const { flight: words } = texts.trail;
  const { certainty, heardBy, listener, why } = answer;
  const whom = supervisorLabel(answer, texts);
  const hearers =
    heardBy === 'unknown'
      ? undefined
      : heardBy === 'agent'
        ? words.hearers.agent(agentLabel(flight.agents, listener))
        : words.hearers[heardBy];
  const isAbsent = (why === 'left' || why === 'arrived') && heardBy === 'nobody';
  const because = isAbsent
    ? words.absent[why](whom)
    : certainty === 'confirmed' && hearers !== undefined
      ? words.confirmed(hearers, whom)
      : words.why[why];
  const doubt = certainty === 'inferred' ? words.asFarAsKnown : hearers === undefined ? words.othersUnknown : '';
  if (kind === 'other' || !('call' in subject)) {
    const what = hearers === undefined ? words.notKnownWho(whom) : words.couldBeHeard(hearers, whom) + doubt;
    return `${what}: ${because}.`;
  }
  const who = kind === 'customer' ? words.customer : (agentLabel(flight.agents, subject.call) ?? words.agent);
  const could = kind === 'agent' && listener === subject.call ? answer.agent : answer.others;
  switch (could) {
    case 'yes':
      return `${words.could(who, whom)}${doubt}: ${because}.`;
    case 'no':
      return `${words.couldNot(who, whom)}${doubt}: ${because}.`;
    case 'unknown':
      return `${words.notKnownWhether(who, whom)}: ${because}.`;
  }
}
