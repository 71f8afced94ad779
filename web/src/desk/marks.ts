/** What is kept on this device of a report that something is being written about: enough to tell later
 * that it changed, and none of its words. Those may be withheld, or erased meanwhile. */

/** A mark of some words, by which others are told from them and nobody reads them (FNV-1a). Not a
 * secret: whoever guesses the words finds the mark. */
export function markOf(words: string): string {
  if (words === '') return '';
  let mark = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(words)) {
    mark = Math.imul(mark ^ byte, 0x01000193);
  }
  return (mark >>> 0).toString(36);
}

/** The least that something was begun upon: by its version one sees that it changed, not in what. */
interface Least {
  code?: string | undefined;
  version: string;
  etag?: string | undefined;
  lines?: number | undefined;
  told?: unknown;
}

interface Left {
  /** When it was written last. */
  at?: number;
  /** Of a decision. */
  base?: Least | null;
  /** Of an answer. */
  begun?: Record<string, Least | null>;
}

const HOW_LONG_MS = 7 * 86_400_000;
/** As `state/storage` names what it remembers. */
const NAME = /^pinward\.desk\.(?:draft|verdict)\.(.*)\.[^.]*$/;

function bare(base: Least | null): Least | null {
  if (!base) return null;
  const { code, version, etag, lines } = base;
  return { code, version, etag, lines, told: null };
}

/** Leaves of what others' unfinished words, and one's own after a week, were begun upon the version
 * alone. The words themselves stay: they are whoever's wrote them. `own`: nobody's where it is empty. */
export function sweep(own: string): void {
  try {
    for (const name of Object.keys(localStorage)) {
      const whose = NAME.exec(name)?.[1];
      if (whose === undefined) continue;
      const left = JSON.parse(localStorage.getItem(name) ?? 'null') as Left | null;
      const young = Date.now() - (left?.at ?? 0) < HOW_LONG_MS;
      if (!left || (whose === own && young)) continue;
      if (left.base) left.base = bare(left.base);
      for (const [which, base] of Object.entries(left.begun ?? {})) left.begun![which] = bare(base);
      localStorage.setItem(name, JSON.stringify(left));
    }
  } catch {
    // Closed, or not ours: then nothing of it is kept, or it is looked through again soon.
  }
}
