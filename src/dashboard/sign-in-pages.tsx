import { ErrorPage, SignInPage } from './pages/small-pages';
import { type PageSettings, renderPage } from './send-page';
import type { PageError, SignInPages } from './sign-in';
import type { Texts } from './texts-en';

/** The pages of the sign-in. */
export function createSignInPages(settings: PageSettings): SignInPages {
  const { texts } = settings;
  return {
    signIn({ problem, next, hasPasswords, hasOidc }) {
      const content = (
        <SignInPage texts={texts} problem={problem} next={next} hasOidc={hasOidc} hasPasswords={hasPasswords} />
      );
      return renderPage(settings, { title: texts.signIn.title, content, viewer: undefined, path: '/sign-in' });
    },
    error({ status, code }) {
      const title = titleOf(status, texts);
      const content = <ErrorPage texts={texts} title={title} sentence={sentenceOf(code, texts)} />;
      return renderPage(settings, { title, content, viewer: undefined, path: '/sign-in' });
    },
  };
}

/** The title of an error page. */
export function titleOf(status: number, { errors }: Texts): string {
  return errors.title[status] ?? (status < 500 ? errors.unreadableTitle : errors.internalTitle);
}

function sentenceOf(code: PageError, { errors }: Texts): string {
  switch (code) {
    case 'cross_site':
      return errors.crossSite;
    case 'unreadable_request':
      return errors.unreadable;
    case 'store_away':
      return errors.storeAway;
    case 'internal_error':
      return errors.internal;
  }
}
