import { afterEach } from '@jest/globals';

const duties: (() => unknown)[] = [];

/** Does this when the present test is over, also when it failed: what is left open would keep Jest from ending. */
export function atEnd(duty: () => unknown): void {
  duties.push(duty);
}

afterEach(async () => {
  for (const duty of duties.splice(0).reverse()) {
    await duty();
  }
});
