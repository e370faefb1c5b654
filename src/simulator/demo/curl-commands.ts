import { computeSignature } from '../../signalwire/signature';
import { SPACE_NUMBER } from '../call';
import { TUTORIAL_CAST } from '../tutorial';

/** Where the demo's server and its Space are, and what they take. */
export interface DemoAddresses {
  /** The server's, without a trailing slash. */
  serverUrl: string;
  /** Of the Space's REST API, likewise. */
  restUrl: string;
  /** The user and the password of that API. */
  accountSid: string;
  apiToken: string;
  signingKey: string;
  /** A token of the server's API. */
  secret: string;
}

/** Commands for a shell: they place calls, and use both APIs. */
export function curlCommands(addresses: DemoAddresses): string[] {
  const { serverUrl, restUrl, accountSid, apiToken, signingKey, secret } = addresses;
  const user = `${accountSid}:${apiToken}`;
  const account = `${restUrl}/2010-04-01/Accounts/${accountSid}`;
  const place = (name: string, to: string, path: string) => [
    `${name}:`,
    `  curl -su ${user} ${account}/Calls --data-urlencode To=${to} --data-urlencode From=${SPACE_NUMBER} --data-urlencode 'Url=${serverUrl}${path}'`,
  ];
  const fields = { CallSid: 'carol-1', From: TUTORIAL_CAST.carol };
  const signature = computeSignature(signingKey, { url: `${serverUrl}/conference`, fields });
  const ask = `curl -i ${serverUrl}/conference -d CallSid=${fields.CallSid} --data-urlencode From=${fields.From}`;
  const authorization = `-H 'Authorization: Bearer ${secret}'`;
  const api = `${serverUrl}/api/v1`;
  const room = `${api}/rooms/sample-conf`;
  const sidOfTed = 'JSON.parse(fs.readFileSync(0)).participants.find(({ name }) => name === "Ted").callSid';
  return [
    'Paste these into a second terminal. Let the Space call somebody; who hears whom appears here.',
    ...place('Bob, a customer', TUTORIAL_CAST.bob, '/conference'),
    ...place('Alice, an agent', TUTORIAL_CAST.alice, '/conference'),
    ...place('Ted, a supervisor who listens', TUTORIAL_CAST.ted, '/coach?mode=monitor'),
    '',
    'List the conferences:',
    `  curl -su ${user} '${account}/Conferences?Status=in-progress'`,
    'List the calls:',
    `  curl -su ${user} ${account}/Calls`,
    'Hang up a call, by its "sid":',
    `  curl -su ${user} ${account}/Calls/SID -d Status=completed`,
    '',
    'Ask the server for a document, signed as by the Space:',
    `  ${ask} -H 'X-SignalWire-Signature: ${signature}'`,
    'The same unsigned, which it refuses:',
    `  ${ask}`,
    'Ask whether it is ready, and its store:',
    `  curl -i ${serverUrl}/readyz`,
    '',
    "Use the server's API, with a token that works only here. List the rooms:",
    `  curl ${authorization} ${api}/rooms`,
    'When Ted is in, let him coach:',
    `  TED=$(curl -s ${authorization} ${room} | node -p '${sidOfTed}')`,
    `  curl -X PUT ${authorization} -H 'Content-Type: application/json' -d '{"mode":"coach"}' ${room}/supervisors/$TED/mode`,
    "Record the agent's call:",
    `  curl -X POST ${authorization} ${room}/recordings`,
    'End the conference:',
    `  curl -X DELETE ${authorization} ${room}/conference`,
    'Follow the live feed, until Ctrl-C:',
    `  curl -N ${authorization} ${api}/events`,
  ];
}
