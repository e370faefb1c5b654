/** What the text of a setting may hold. */
export interface TextRules {
  /** Entries separated by commas. */
  isList?: boolean;
  /** A spoken sentence, which may begin or end with a quote and hold a #. */
  isProse?: boolean;
  /** A key or an id, or a list of them: no white space. */
  isToken?: boolean;
}

const COMMENT = /\s+#.*$/s;
/** White space that does not follow a comma, and everything after it. */
const REMAINDER = /(?<=[^\s,])\s+[^\s,].*$/s;

/**
 * Removes quotes and comments from a setting. `docker run --env-file` passes them on as part of the value, so each is a
 * problem; without them, the value's other problems are found too.
 *
 * @param given without white space around it
 * @returns `problems`: a sentence each, which never quotes the text: it may be a secret
 */
export function cleanSettingText(name: string, given: string, rules: TextRules) {
  const { isList = false, isProse = false, isToken = false } = rules;
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
  problems.push(`${name} contains white space: remove it.`);
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
