/** What the service answered to the newest question. An answer is kept with its question until the
 * next one is there, so that a number never stands under a heading it does not belong to. */
import { isStale, sentence } from '../api';

export class Answer<Question, T> {
  now = $state.raw<{ to: Question; value: T } | null>(null);
  busy = $state(false);
  failure = $state('');
  #newer: AbortController | null = null;
  #last: (() => void) | null = null;

  ask(to: Question, fetched: (newer: AbortSignal) => Promise<T>): void {
    this.#last = () => this.ask(to, fetched);
    this.#newer?.abort();
    const newer = (this.#newer = new AbortController());
    this.busy = true;
    fetched(newer.signal).then(
      (value) => {
        if (newer.signal.aborted) return;
        this.now = { to, value };
        this.busy = false;
        this.failure = '';
      },
      (error: unknown) => {
        if (isStale(error) || newer.signal.aborted) return;
        this.busy = false;
        this.failure = sentence(error);
      },
    );
  }

  again = (): void => this.#last?.();

  stop(): void {
    this.#newer?.abort();
  }
}
