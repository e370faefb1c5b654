import { followFile, type LiveFile, type LiveFileOptions } from './live-file';
import type { Tokens } from './tokens';
import { readTokensFile } from './tokens-file';

export interface LiveTokensOptions extends Pick<LiveFileOptions, 'file' | 'log' | 'intervalMs'> {
  tokens: Tokens;
}

/**
 * Loads tokens from their file, and reloads them whenever it changes. A missing file has none. If the file cannot be
 * used, logs why and keeps the previous tokens; at the start there are none then, because calls connect without them.
 * Never rejects.
 */
export async function followTokens({ tokens, ...options }: LiveTokensOptions): Promise<LiveFile> {
  const { file, log } = options;
  let count = 0;

  async function load(): Promise<void> {
    const entries = await readTokensFile(file);
    tokens.replace(entries);
    if (entries.length > 0 || count > 0) {
      log.info({ tokens: entries.length }, 'Tokens loaded');
    }
    count = entries.length;
  }

  const live = followFile({ ...options, load, failure: 'Tokens not usable; keeping the previous ones' });
  await live.reload();
  return live;
}
