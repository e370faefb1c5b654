import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { AssetUrls } from './pages/layout';

/** A file that browsers keep: its name has its hash. */
export interface Asset {
  type: string;
  text: Buffer;
  gzipped: Buffer;
}

export interface Assets {
  urls: AssetUrls;
  /** By their paths. */
  files: ReadonlyMap<string, Asset>;
}

/** The same folder, whether this file was compiled or not. */
const BUILT = join(__dirname, '../../dist/dashboard/browser');

/** The parts of the script, in the order in which they are joined. */
const SCREEN_PARTS = ['page', 'clock', 'board', 'stream', 'actions', 'recordings', 'keys', 'moments'];

/** The same of the script of walls. */
const WALL_PARTS = ['page', 'clock', 'wall'];

let assets: Assets | undefined;

/** The bars of a voice. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="none" stroke="#0b57c2" stroke-width="2.5" stroke-linecap="round" d="M5 10v4M10 6v12M15 3v18M20 8v8"/></svg>\n';

/** Reads the scripts and style sheets, once. `npm run build` makes them. */
export function readAssets(): Assets {
  assets ??= compressAssets();
  return assets;
}

function compressAssets(): Assets {
  const morph = readFileSync(require.resolve('idiomorph/dist/idiomorph.min.js'), 'utf8');
  const [script, scriptFile] = asset('screen', 'js', 'text/javascript', `${morph}\n${joinParts(SCREEN_PARTS)}`);
  const [style, styleFile] = asset('screen', 'css', 'text/css', readBuilt('screen.css'));
  const [wallScript, wallScriptFile] = asset('wall', 'js', 'text/javascript', joinParts(WALL_PARTS));
  const [wallStyle, wallStyleFile] = asset('wall', 'css', 'text/css', readBuilt('wall.css'));
  const [icon, iconFile] = asset('icon', 'svg', 'image/svg+xml', ICON);
  return {
    urls: { script, style, wallScript, wallStyle, icon },
    files: new Map([
      [script, scriptFile],
      [style, styleFile],
      [wallScript, wallScriptFile],
      [wallStyle, wallStyleFile],
      [icon, iconFile],
    ]),
  };
}

function readBuilt(file: string): string {
  return readFileSync(join(BUILT, file), 'utf8');
}

function joinParts(parts: readonly string[]): string {
  const texts = parts.map((part) => readBuilt(`${part}.js`).replace(/^\/\/#.*$/m, ''));
  return `(()=>{"use strict";\n${texts.join('\n')}\n})();\n`;
}

function asset(name: string, extension: string, type: string, text: string): [string, Asset] {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 12);
  const bytes = Buffer.from(text);
  return [
    `/assets/${name}-${hash}.${extension}`,
    { type: `${type}; charset=utf-8`, text: bytes, gzipped: gzipSync(bytes) },
  ];
}
