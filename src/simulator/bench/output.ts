/** Prints a line. */
export function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a figure beside its target. Returns whether it was met. */
export function writeFigure(name: string, figure: string, target: string, isMet: boolean): boolean {
  write(`${name.padEnd(44)} ${figure.padStart(10)}   target ${target.padEnd(10)} ${isMet ? 'met' : 'missed'}`);
  return isMet;
}

/** The median. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}
