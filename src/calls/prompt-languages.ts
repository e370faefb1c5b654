import type { Prompts } from './prompts';
import { german } from './prompts-de';
import { english } from './prompts-en';

/** The prompts of each `PROMPT_LANGUAGE`. */
export const PROMPTS = { en: english, de: german } as const satisfies Record<string, Prompts>;
