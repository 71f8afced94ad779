/** What is decided about a report that the public does not see: upon what, and why.
 *
 * A decision holds for what was looked at when it was begun (`base`). Begun and left, it is kept on this
 * device, by account; if the report changes meanwhile, that is shown before anything is sent. */
import { Refused } from '../../api';
import { decide, withheldOne } from '../../api/desk';
import { forget, recall, remember } from '../../state/storage';
import { draftName } from '../drafts';
import { trouble } from '../signed.svelte';
import type { Withheld } from '../types';

export type Decision = 'release' | 'hide';
/** The service takes no shorter reason. */
const SHORTEST = 3;

interface Left {
  what: Decision;
  reason: string;
  base: Withheld;
}

export class Verdict {
  now = $state.raw<Withheld>() as Withheld;
  base = $state.raw<Withheld>() as Withheld;
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
    this.base = left?.base ?? now;
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
    if (this.what === '') this.base = now;
  }

  choose(what: Decision): void {
    if (this.what === '') this.base = this.now;
    this.what = what;
    this.refusal = '';
    this.short = false;
  }

  accept(): void {
    this.base = this.now;
    this.resumed = false;
    this.refusal = '';
    this.keep();
  }

  cancel(): void {
    this.what = this.reason = this.refusal = '';
    this.short = this.resumed = false;
    this.base = this.now;
    this.keep();
  }

  keep(): void {
    const { what, reason, base } = this;
    const name = this.#name(this.code);
    if (what && reason.trim()) remember(name, { what, reason, base } satisfies Left);
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
