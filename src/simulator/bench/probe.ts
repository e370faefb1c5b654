/**
 * Loaded into a measured server by `node --require`: answers the bench's questions over the channel between the processes.
 * Only a process itself knows its processor time to the microsecond.
 */
import type { Answer, Question } from './processes';

process.on('message', (question: Question) => {
  const { user, system } = process.cpuUsage();
  const answers: { [K in Question]: () => number } = {
    cpu: () => user + system,
    memory: () => process.memoryUsage.rss(),
  };
  process.send?.({ question, value: answers[question]() } satisfies Answer);
});
