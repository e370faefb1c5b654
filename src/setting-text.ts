/** Rules for the text of a setting. */
export interface TextRules {
  /** Entries separated by commas. */
  isList: boolean;
  /** A sentence that is spoken, which may begin or end with a quote. */
  isProse: boolean;
  /** A key or an id, or a list of them: no white space. */
  isToken: boolean;
}

/** A comment. */
const COMMENT = /\s+#.*$/s;
/** Anything behind white space that follows no comma. */
const REMAINDER = /(?<=[^\s,])\s+[^\s,].*$/s;

/**
 * Finds quotes and comments in a setting, which `docker run --env-file` passes on as part of the value.
 *
 * @param given without white space around it
 * @returns the text without them, so that its other mistakes are found as well, and a sentence for each, which does not
 * repeat the text: it may be a secret
 */
export function readSettingText(name: string, given: string, { isList, isProse, isToken }: TextRules) {
  const problems: string[] = [];
  const uncommented = isProse ? given : given.replace(COMMENT, '');
  if (uncommented !== given) {
    problems.push(`${name} has a comment after the value: remove it; Docker keeps comments.`);
  }
  const isQuotedAsOne = /^(["'`])((?!\1).)*\1$/s.test(uncommented);
  const entries = isList && !isQuotedAsOne ? uncommented.split(',') : [uncommented];
  const text = entries
    .map((entry, index) => {
      const unquoted = unquote(entry.trim(), isProse);
      const place = entries.length > 1 ? `${name}, entry ${index + 1}` : name;
      problems.push(...unquoted.problems.map((problem) => `${place} ${problem}; Docker keeps quotes.`));
      return unquoted.text;
    })
    .join(',');
  if (!isToken || !REMAINDER.test(text)) {
    return { text, problems };
  }
  problems.push(`${name} has white space in it: remove it.`);
  return { text: text.replace(REMAINDER, ''), problems };
}

function unquote(text: string, isProse: boolean): { text: string; problems: string[] } {
  const [, mark, inner = ''] = /^(["'`])(.*)\1$/s.exec(text) ?? [];
  if (mark !== undefined) {
    return { text: inner.trim(), problems: [`is in quotes (${mark}…${mark}): remove them`] };
  }
  const [, first = '', rest = text, last = ''] = (!isProse && /^(["'`]?)(.*?)(["'`]?)$/s.exec(text)) || [];
  return {
    text: rest,
    problems: [
      ...(first === '' ? [] : [`begins with a quote (${first}): remove it`]),
      ...(last === '' ? [] : [`ends with a quote (${last}): remove it`]),
    ],
  };
}
