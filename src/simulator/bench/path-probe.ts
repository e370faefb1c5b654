/**
 * Loaded into a server by `node --require`: reports which functions one request passes through, as V8 counts them. Watches
 * from the message `watch` until the answer was sent; what runs then, until the message `report`, is the follow-up.
 */
import { ServerResponse } from 'node:http';
import { type Profiler, Session } from 'node:inspector';

/** Functions that ran: the url of their file, and where they begin in it. */
export interface Passed {
  url: string;
  functions: { name: string; offset: number }[];
}

export interface PathReport {
  untilAnswer: Passed[];
  afterwards: Passed[];
}

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

let isWatching = false;
let untilAnswer: Passed[] = [];
let afterwards: Passed[] = [];

/** What ran since the previous call. */
function take(): Passed[] {
  let scripts: Profiler.ScriptCoverage[] = [];
  session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
    scripts = result;
  });
  return scripts.map(({ url, functions }) => ({
    url,
    functions: functions
      // A function that begins at 0 is the file itself.
      .filter(({ ranges: [range] }) => range !== undefined && range.count > 0 && range.startOffset > 0)
      .map(({ functionName, ranges }) => ({ name: functionName, offset: ranges[0]?.startOffset ?? 0 })),
  }));
}

const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (this: ServerResponse, ...args: unknown[]) {
  const result = Reflect.apply(end, this, args);
  if (isWatching) {
    isWatching = false;
    untilAnswer = take();
  }
  return result;
} as typeof end;

process.on('message', (message: 'watch' | 'report') => {
  if (message === 'watch') {
    take();
    isWatching = true;
    process.send?.('watching');
  } else {
    afterwards = take();
    process.send?.({ untilAnswer, afterwards } satisfies PathReport);
  }
});
