import type { Texts } from '../texts-en';

/** Why somebody was not signed in. */
export type SignInProblem =
  /** The name or the password. */
  | { code: 'wrong' }
  | { code: 'locked-out'; seconds: number }
  /** Too many passwords are being checked. */
  | { code: 'busy' }
  /** The identity provider did not sign them in, or could not be asked. */
  | { code: 'oidc-failed' }
  /** The address that it named is nobody's in the roster; or it has not verified that it is theirs. */
  | { code: 'oidc-unknown' }
  | { code: 'oidc-unverified' }
  | { code: 'store-away' };

export interface SignInPageProps {
  texts: Texts;
  problem: SignInProblem | undefined;
  /** Where to go after signing in. */
  next: string | undefined;
  /** The name that was entered at the attempt before. */
  name?: string | undefined;
  /** Whether they have just signed out. */
  isSignedOut?: boolean;
  hasOidc: boolean;
  /** Whether anybody has a password. */
  hasPasswords: boolean;
  /** Whether `ROSTER_FILE` is set. */
  hasRosterFile: boolean;
}

const FIRST_ROSTER = `{
  "moderators": [{ "name": "Alice", "number": "+15557788999" }],
  "supervisors": [{ "name": "Ted", "number": "+15550002222" }]
}`;

/** The page for signing in. */
export function SignInPage(props: SignInPageProps) {
  const { texts, problem, next, name, isSignedOut, hasOidc, hasPasswords, hasRosterFile } = props;
  const { signIn } = texts;
  return (
    <section class="sign-in">
      <h1>{signIn.title}</h1>
      {isSignedOut ? <p role="status">{signIn.signedOut}</p> : null}
      {problem === undefined ? null : (
        <p class="problem" role="alert">
          {sentenceOf(problem, texts)}
        </p>
      )}
      {hasPasswords ? (
        <form method="post" action="/sign-in">
          {next === undefined ? null : <input type="hidden" name="next" value={next} />}
          <label for="name">{signIn.name}</label>
          <input id="name" name="name" autoComplete="username" required maxLength={64} value={name} />
          <label for="password">{signIn.password}</label>
          <input
            id="password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            maxLength={256}
          />
          <button type="submit">{signIn.submit}</button>
        </form>
      ) : null}
      {hasOidc ? (
        <p>
          <a
            class="button"
            href={next === undefined ? '/sign-in/oidc' : `/sign-in/oidc?${new URLSearchParams({ next })}`}
          >
            {signIn.oidc}
          </a>
        </p>
      ) : null}
      {hasPasswords || hasOidc ? null : <FirstSignIn texts={texts} hasRosterFile={hasRosterFile} />}
    </section>
  );
}

/** What is to be done before anybody can sign in. */
function FirstSignIn({ texts: { signIn }, hasRosterFile }: Pick<SignInPageProps, 'texts' | 'hasRosterFile'>) {
  const steps: readonly (readonly [string, string?])[] = hasRosterFile
    ? [[signIn.setPassword, 'npm run --silent roster -- set-password NAME'], [signIn.reload]]
    : [
        [signIn.writeRoster, FIRST_ROSTER],
        [signIn.setRosterFile, 'ROSTER_FILE=roster.json'],
        [signIn.setPassword, 'npm run --silent roster -- set-password Ted'],
        [signIn.restart],
      ];
  return (
    <>
      <p>{signIn.nobody}</p>
      <ol>
        {steps.map(([step, code]) => (
          <li>
            {step}
            {code === undefined ? null : <pre>{code}</pre>}
          </li>
        ))}
      </ol>
      <p>{signIn.more}</p>
    </>
  );
}

function sentenceOf(problem: SignInProblem, { signIn }: Texts): string {
  switch (problem.code) {
    case 'locked-out':
      return signIn.lockedOut(Math.ceil(problem.seconds / 60));
    case 'wrong':
      return signIn.wrong;
    case 'busy':
      return signIn.busy;
    case 'store-away':
      return signIn.storeAway;
    case 'oidc-failed':
      return signIn.oidcFailed;
    case 'oidc-unknown':
      return signIn.oidcUnknown;
    case 'oidc-unverified':
      return signIn.oidcUnverified;
  }
}

export interface ErrorPageProps {
  texts: Texts;
  title: string;
  sentence: string;
  /** Agents have no rooms, but a page of their calls. */
  isAgent: boolean;
}

/** A page that says what went wrong, and what to do. */
export function ErrorPage({ texts, title, sentence, isAgent }: ErrorPageProps) {
  return (
    <section class="message">
      <h1>{title}</h1>
      <p>{sentence}</p>
      <p>
        <a class="button" href={isAgent ? '/mine' : '/'}>
          {isAgent ? texts.nav.mine : texts.errors.back}
        </a>
      </p>
    </section>
  );
}

export interface ConfirmProps {
  texts: Texts;
  question: string;
  /** What the button says that does it. */
  yes: string;
  /** Where it is posted to. */
  action: string;
}

/** A page that asks; see {@link Confirm}. */
export function ConfirmPage(props: ConfirmProps) {
  return (
    <section class="message">
      <h1>{props.yes}</h1>
      <Confirm {...props} />
    </section>
  );
}

/** Asks before something that cannot be undone, in a dialog. */
export function Confirm({ texts, question, yes, action }: ConfirmProps) {
  return (
    <form method="post" action={action} class="confirm">
      <p id="confirm-text">{question}</p>
      <p class="buttons">
        <a class="button" href="/" data-cancel>
          {texts.actions.cancel}
        </a>
        <button type="submit" class="danger">
          {yes}
        </button>
      </p>
    </form>
  );
}
