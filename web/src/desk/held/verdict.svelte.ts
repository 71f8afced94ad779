/** What is decided about a report that the public does not see: upon what, and why.
 *
 * A decision holds for what was looked at when it was begun (`base`). Begun and left, it is kept on this
 * device, by account; if the report changes meanwhile, that is shown before anything is sent. */
import { Refused } from '../../api';
import { decide, withheldOne } from '../../api/desk';
import { forget, recall, remember } from '../../state/storage';
import { draftName } from '../drafts';
import { markOf } from '../marks';
import { trouble } from '../signed.svelte';
import type { Withheld, WithheldState } from '../types';

export type Decision = 'release' | 'hide';
/** The service takes no shorter reason. */
const SHORTEST = 3;

export interface Told {
  state: WithheldState | null;
  category: Withheld['category'];
  photos: { hidden: boolean }[];
  marks: Record<'text' | 'answers' | 'additions', string>;
}

/** What was looked at. */
export interface Base {
  version: string;
  /** null: not known any more. */
  told: Told | null;
  /** All of it, as long as the page: on this device nothing of its words is kept. */
  whole: Withheld | null;
}

interface Left {
  what: Decision | '';
  reason: string;
  base: Base | null;
  at: number;
}

/** By which it is told whether its words are still the same. */
export function marksOf({ text, answers, additions }: Withheld): Told['marks'] {
  const added = additions.map((each) => [each.text, each.public]);
  const of = (some: object): string =>
    markOf(Object.keys(some).length > 0 ? JSON.stringify(some) : '');
  return { text: markOf(text), answers: of(answers), additions: of(added) };
}

function baseOf(whole: Withheld): Base {
  const { version, state, category } = whole;
  const photos = whole.photos.map(({ hidden }) => ({ hidden }));
  return { version, told: { state, category, photos, marks: marksOf(whole) }, whole };
}

export class Verdict {
  now = $state.raw<Withheld>() as Withheld;
  base = $state.raw<Base>() as Base;
  what = $state<Decision | ''>('');
  reason = $state('');
  busy = $state(false);
  refusal = $state('');
  short = $state(false);
  gone = $state(false);
  /** What was decided from here. */
  done = $state<Decision | ''>('');
  /** It was begun before, and not a moment ago. */
  resumed = $state(false);

  constructor(now: Withheld) {
    const left = recall<Left>(this.#name(now.code));
    this.now = now;
    const { version, told } = left?.base ?? {};
    this.base = version ? { version, told: told ?? null, whole: null } : baseOf(now);
    this.what = left?.what ?? '';
    this.reason = left?.reason ?? '';
    this.resumed = this.stale;
  }

  get code(): string {
    return this.now.code;
  }

  get stale(): boolean {
    return this.what !== '' && this.now.version !== this.base.version;
  }

  /** Whether it can be decided so, as it is now. */
  can(what: Decision): boolean {
    return what === 'release' ? this.now.state !== null : this.now.state !== 'hidden';
  }

  see(now: Withheld): void {
    if (this.busy || this.done) return;
    this.now = now;
    if (this.what === '') this.base = baseOf(now);
  }

  choose(what: Decision): void {
    if (this.what === '') this.base = baseOf(this.now);
    this.what = what;
    this.refusal = '';
    this.short = false;
  }

  accept(): void {
    this.base = baseOf(this.now);
    this.resumed = false;
    this.refusal = '';
    this.keep();
  }

  /** What it was for cannot be done any more: the reason stays, for what can. */
  turn(): void {
    this.what = '';
    this.short = false;
    this.accept();
  }

  cancel(): void {
    this.reason = '';
    this.turn();
  }

  keep(): void {
    const { what, reason } = this;
    const name = this.#name(this.code);
    const base = what ? { ...this.base, whole: null } : null;
    if (reason.trim()) remember(name, { what, reason, base, at: Date.now() } satisfies Left);
    else forget(name);
  }

  /** True: it was done. Whatever goes wrong, the reason is still there. */
  async send(): Promise<boolean> {
    const { what } = this;
    const reason = this.reason.trim();
    this.short = reason.length < SHORTEST;
    if (what === '' || this.busy || this.short) return false;
    this.busy = true;
    this.refusal = '';
    try {
      this.now = await decide(this.code, what, reason, this.base.version);
      this.done = what;
      this.what = this.reason = '';
      this.keep();
      return true;
    } catch (error) {
      this.refusal = trouble(error);
      this.gone = error instanceof Refused && error.status === 404;
      if (error instanceof Refused && [409, 412].includes(error.status)) await this.#look();
      return false;
    } finally {
      this.busy = false;
    }
  }

  async #look(): Promise<void> {
    try {
      this.now = await withheldOne(this.code);
    } catch (error) {
      this.refusal = trouble(error);
    }
  }

  #name(code: string): string {
    return draftName('verdict', code);
  }
}
