import type { Address } from './address';
import { hashPin, MIN_PIN_DIGITS, type Pin, type PinHash, parsePin } from './pin';

/** Digits in the order in which people type them without thinking. */
const ROWS = ['01234567890', '09876543210', '14725836900', '25807894561', '15935712369'];

/**
 * Says why a PIN is easy to guess: the end of a sentence, without its subject and full stop.
 *
 * @param address the person's number, whose digits are easy to guess too
 * @returns undefined if nothing is known against it
 */
export function explainWeakPin(pin: Pin, address?: Address): string | undefined {
  if (new Set(pin).size <= 2) {
    return 'has only one or two different digits';
  }
  if (ROWS.some((row) => row.includes(pin))) {
    return 'is a row of keys';
  }
  if (isRepetition(pin)) {
    return 'repeats itself';
  }
  return address?.includes(pin) ? 'is part of their number' : undefined;
}

/** Whether a PIN is one block of digits again and again; the last time it may be cut off. */
function isRepetition(pin: Pin): boolean {
  const blocks = [2, 3, 4, 5].filter((length) => length <= pin.length / 2);
  return blocks.some((length) => pin === pin.slice(0, length).repeat(pin.length).slice(0, pin.length));
}

/** The most digits of PINs that {@link createWeakPinCheck} tries: 66,000 hashes, in less than a second. */
const MAX_TRIED_DIGITS = 8;

/**
 * Creates a check of PINs of which only the hash is known.
 *
 * @returns what {@link explainWeakPin} says of the PIN with this hash; undefined also for PINs of more than 8 digits, unless
 * they are part of the number
 */
export function createWeakPinCheck(pinKey: string): (hash: PinHash, address?: Address) => string | undefined {
  const weak = new Map([...weakPins()].map((pin) => [hashPin(pinKey, pin), explainWeakPin(pin)]));
  return (hash, address) => {
    const own = partsOf(/^\+(\d+)$/.exec(address ?? '')?.[1] ?? '').find((pin) => hashPin(pinKey, pin) === hash);
    return weak.get(hash) ?? (own && explainWeakPin(own, address));
  };
}

/** The weak PINs of at most {@link MAX_TRIED_DIGITS} digits. */
function* weakPins(): Iterable<Pin> {
  yield* ROWS.flatMap(partsOf);
  for (let length = MIN_PIN_DIGITS; length <= MAX_TRIED_DIGITS; length++) {
    for (let block = 2; block <= length / 2; block++) {
      for (let number = 0; number < 10 ** block; number++) {
        yield String(number).padStart(block, '0').repeat(length).slice(0, length) as Pin;
      }
    }
    for (let pair = 1; pair < 100; pair++) {
      const [one = '', other = ''] = String(pair).padStart(2, '0');
      // Each bit chooses one of the two digits.
      for (let choice = 0; one < other && choice < 2 ** length; choice++) {
        const bits = choice.toString(2).padStart(length, '0');
        yield bits.replace(/./g, (bit) => (bit === '0' ? one : other)) as Pin;
      }
    }
  }
}

/** Every PIN in a row of digits. */
function partsOf(digits: string): Pin[] {
  return [...digits].flatMap((_, start) =>
    [...digits.slice(start)].flatMap((_, length) => parsePin(digits.slice(start, start + length + 1)) ?? []),
  );
}
