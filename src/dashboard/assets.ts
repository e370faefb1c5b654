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
const PARTS = ['page', 'clock', 'board', 'stream', 'actions', 'recordings', 'keys', 'moments'];

/** Reads the script and the style sheet. `npm run build` makes them. */
export function readAssets(): Assets {
  const parts = PARTS.map((part) => readFileSync(join(BUILT, `${part}.js`), 'utf8').replace(/^\/\/#.*$/m, ''));
  const morph = readFileSync(require.resolve('idiomorph/dist/idiomorph.min.js'), 'utf8');
  const script = `${morph}\n(()=>{"use strict";\n${parts.join('\n')}\n})();\n`;
  const [scriptUrl, scriptFile] = asset('screen', 'js', 'text/javascript', script);
  const [styleUrl, styleFile] = asset('screen', 'css', 'text/css', readFileSync(join(BUILT, 'screen.css'), 'utf8'));
  return {
    urls: { script: scriptUrl, style: styleUrl },
    files: new Map([
      [scriptUrl, scriptFile],
      [styleUrl, styleFile],
    ]),
  };
}

function asset(name: string, extension: string, type: string, text: string): [string, Asset] {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 12);
  const bytes = Buffer.from(text);
  return [
    `/assets/${name}-${hash}.${extension}`,
    { type: `${type}; charset=utf-8`, text: bytes, gzipped: gzipSync(bytes) },
  ];
}
