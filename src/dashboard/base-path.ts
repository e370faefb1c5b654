/**
 * The path of this server's address, which a proxy takes off: empty, or such as `/desk`.
 *
 * @param publicUrl without a slash at the end
 */
export function basePathOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/$/, '');
}

/** Our own HTML, with the base path before every address of ours in it. */
export function withBasePath(html: string, basePath: string): string {
  // In text and in attributes, quotes are escaped: nothing else looks like this.
  return basePath === '' ? html : html.replace(/ (href|src|action|formaction)="\/(?!\/)/g, ` $1="${basePath}/`);
}
