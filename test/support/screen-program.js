/**
 * The sign-in of the screen as a program of its own, compiled: Jest cannot load openid-client, which is an ES module. Says on
 * standard output when it listens; `/said` answers what it logged and recorded, and why the provider failed, since that was
 * asked last.
 */
const express = require('express');
const { createOidcClient } = require('../../dist/dashboard/oidc');
const { createPublicPageTools } = require('../../dist/dashboard/page-tools');
const { createMemorySessionStore } = require('../../dist/dashboard/session-store');
const { createSignIn, OIDC_CALLBACK_PATH } = require('../../dist/dashboard/sign-in');
const { english } = require('../../dist/dashboard/texts-en');
const { viewerOf } = require('../../dist/dashboard/viewer');
const { createLog } = require('../../dist/ops/log');
const { createRoster } = require('../../dist/people/roster');
const { createSignInLimiter } = require('../../dist/people/sign-in-limiter');

const { PORT, ISSUER, CLIENT_ID, CLIENT_SECRET, TIMEOUT_MS } = process.env;
const publicUrl = `http://localhost:${PORT}`;
const said = { warnings: [], failures: [], facts: [] };
const log = createLog('warn', { write: (line) => said.warnings.push(line) });

const person = (name, email) => ({
  name,
  email,
  address: undefined,
  pin: undefined,
  password: undefined,
  rooms: 'all',
});
const roster = createRoster({ moderatorNumbers: [], supervisorNumbers: [] });
roster.replace({
  supervisors: [{ ...person('Ted', 'ted@example.com'), rights: new Set(['see']) }],
  moderators: [person('Ted the agent', 'ted@example.com'), person('Alice', 'alice@example.com')],
});

const tools = createPublicPageTools({
  texts: english,
  async sendPage(_req, res, { status = 200, content }) {
    res.status(status).send(`sign in: ${content.props.problem?.code}`);
  },
  basePath: '',
  publicUrl,
  now: Date.now,
});
const signIn = createSignIn({
  roster,
  hasRosterFile: true,
  store: createMemorySessionStore(),
  secrets: ['the secret of this test, long enough'],
  publicUrl,
  oidc: createOidcClient({
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    redirectUri: publicUrl + OIDC_CALLBACK_PATH,
    timeoutMs: Number(TIMEOUT_MS),
  }),
  limiter: createSignInLimiter({ secret: 'secret', redis: undefined, log }),
  checkPassword: async () => false,
  record: (fact) => said.facts.push(fact),
  tools,
  addressOf: (req) => req.socket.remoteAddress,
  log,
  now: Date.now,
});

const app = express();
app.get('/said', (_req, res) => {
  const [warnings, failures, facts] = [said.warnings, said.failures, said.facts].map((all) => all.splice(0));
  res.json({ warnings, failures, facts });
});
app.use((_req, res, next) => {
  res.once('finish', () => {
    const { code, reason } = res.locals.refusal ?? {};
    said.failures.push(...(code === 'oidc_failed' ? [reason] : []));
  });
  next();
});
app.use(signIn.routes);
app.get('/{*path}', signIn.readViewer, (_req, res) => {
  res.send(viewerOf(res)?.actor.name ?? 'nobody');
});
app.listen(Number(PORT), '127.0.0.1', () => process.stdout.write('listening\n'));
