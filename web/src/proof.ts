/** The proof of work that the service may ask for where many send from one address.
 *
 * Nobody sees it: a cheap phone takes a fraction of a second. It is worked at in small pieces, so
 * that the page goes on answering fingers meanwhile.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

/** What a refusal of type `challenge` asks for. */
export interface Challenge {
  challenge: string;
  /** So many hashes it takes on average. */
  difficulty: number;
}

/** The digest's first so many bits are compared; a number of JavaScript holds them exactly. */
const BITS = 48;
const PIECE_MS = 12;

export function isChallenge(value: object): value is Challenge {
  const { challenge, difficulty } = value as Partial<Challenge>;
  return typeof challenge === 'string' && Number.isSafeInteger(difficulty) && difficulty! > 0;
}

/** The value of the header `Pinward-Proof`; twin of `geo.abuse.proof.answer`. */
export async function prove({ challenge, difficulty }: Challenge): Promise<string> {
  const limit = Math.floor(2 ** BITS / difficulty);
  let rested = performance.now();
  for (let n = 0; ; n++) {
    const tried = `${challenge}.${n}`;
    const digest = sha256(utf8ToBytes(tried));
    let first = 0;
    for (let byte = 0; byte < BITS / 8; byte++) first = first * 256 + digest[byte]!;
    if (first < limit) return tried;
    if (n % 64 === 63 && performance.now() - rested > PIECE_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      rested = performance.now();
    }
  }
}
