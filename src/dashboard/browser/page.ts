/** What the script says. The server sends it in the page's language. */
interface ScriptTexts {
  live: string;
  connecting: string;
  stale: string;
  staleHint: string;
  storeAway: string;
  held: { one: string; many: string };
  showHeld: string;
  ended: string;
  failed: string;
  /** By mode. */
  requested: Record<string, string>;
  undo: Record<string, string>;
}

interface MorphOptions {
  morphStyle?: 'outerHTML' | 'innerHTML';
  callbacks?: {
    beforeNodeMorphed?: (from: Node, to: Node) => boolean;
    beforeAttributeUpdated?: (name: string, node: Element, change: 'update' | 'remove') => boolean;
    afterNodeAdded?: (node: Node) => void;
  };
}

/** From idiomorph, which comes before this script. */
declare const Idiomorph: { morph(from: Element, to: string, options?: MorphOptions): void };

const texts = JSON.parse(
  (document.getElementById('texts') as HTMLTemplateElement).content.textContent ?? '{}',
) as ScriptTexts;

/** Whose page this is; tabs of one sign-in share a stream. */
const viewerId = document.body.dataset.viewer ?? '';

/** What comes before every path of this server. */
const basePath = document.body.dataset.base ?? '';

function find(selector: string, root: ParentNode = document): HTMLElement | null {
  return root.querySelector<HTMLElement>(selector);
}

function findAll(selector: string, root: ParentNode = document): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(selector)];
}

/** When buttons appeared, by `performance.now()`. */
const appearedAt = new WeakMap<Element, number>();

/** Replaces an element by HTML of the server, but keeps the focus, what is typed and what is open. */
function morph(element: HTMLElement, html: string): void {
  const hadFocus = element.contains(document.activeElement);
  Idiomorph.morph(element, html, {
    morphStyle: 'outerHTML',
    callbacks: {
      beforeNodeMorphed: (from) => !(from instanceof HTMLInputElement),
      beforeAttributeUpdated: (name, node) => !(node instanceof HTMLDetailsElement && name === 'open'),
      afterNodeAdded: (node) => {
        if (node instanceof HTMLElement) {
          for (const button of [node, ...findAll('button', node)]) {
            appearedAt.set(button, performance.now());
          }
        }
      },
    },
  });
  // The button with the focus may be gone, as Record is once there is a recording.
  if (hadFocus && !element.contains(document.activeElement)) {
    element.focus();
  }
}

/** Goes to the sign-in, and back here afterwards. */
function signIn(): void {
  const next = location.pathname.slice(basePath.length) + location.search;
  location.assign(`${basePath}/sign-in?${new URLSearchParams({ next })}`);
}
