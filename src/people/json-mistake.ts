import { type JSONVisitor, type ParseError, parse, printParseErrorCode, visit } from 'jsonc-parser';

/** The first syntax error in a text that should be JSON. */
export interface JsonMistake {
  /** Counted from 1. */
  line: number;
  /** Counted from 1, in UTF-16 units as in editors. */
  column: number;
  /** How to fix it, without quoting the text; undefined if line and column suffice. */
  hint: string | undefined;
}

const HINTS: Readonly<Record<string, string>> = {
  ColonExpected: 'a colon is missing before this',
  CommaExpected: 'a comma is missing before this',
  EndOfFileExpected: 'remove this and what follows',
  InvalidCommentToken: 'comments are not allowed',
  InvalidSymbol: 'names and texts need double quotes',
  UnexpectedEndOfString: 'a closing quote is missing',
};

/** Finds the mistake in a text that `JSON.parse` refuses. Its own message quotes the text and often names no place. */
export function findJsonMistake(text: string): JsonMistake | undefined {
  const errors: ParseError[] = [];
  try {
    parse(text, errors, { disallowComments: true });
  } catch {
    // Nested too deeply for the parser.
  }
  const [first] = errors;
  if (first === undefined) {
    return undefined;
  }
  return { ...placeAt(text, first.offset), hint: hintAt(text, first) };
}

/** Finds a name that appears twice in one object; `JSON.parse` would silently keep only the last value. */
export function findRepeatedName(text: string): JsonMistake | undefined {
  const objects: Set<string>[] = [];
  let mistake: JsonMistake | undefined;
  const visitor: JSONVisitor = {
    onObjectBegin: () => void objects.push(new Set()),
    onObjectEnd: () => void objects.pop(),
    onObjectProperty(name, offset) {
      const names = objects.at(-1);
      if (names?.has(name)) {
        mistake ??= { ...placeAt(text, offset), hint: undefined };
      }
      names?.add(name);
    },
  };
  try {
    visit(text, visitor);
  } catch {
    // Nested too deeply for the parser.
  }
  return mistake;
}

function placeAt(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

function hintAt(text: string, { error, offset }: ParseError): string | undefined {
  const before = text.slice(0, offset).trimEnd();
  const here = text.slice(offset, offset + 1);
  const code = printParseErrorCode(error);
  if (here === '') {
    return before === '' ? 'the file is empty' : 'the file ends too early';
  }
  if (here === "'") {
    return 'use double quotes';
  }
  if (before.endsWith(',') && /[\]},]/.test(here)) {
    return 'remove the comma before this';
  }
  if (code === 'CommaExpected' && /[\]}]/.test(here)) {
    return 'a closing bracket is missing before this';
  }
  return HINTS[code];
}
