import { afterEach } from '@jest/globals';

const callbacks: (() => unknown)[] = [];

/** Runs `callback` when the current test is over, passed or failed. The last one registered runs first. */
export function onTestFinished(callback: () => unknown): void {
  callbacks.push(callback);
}

afterEach(async () => {
  for (const callback of callbacks.splice(0).reverse()) {
    await callback();
  }
});
