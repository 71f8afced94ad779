/** One move of many reports, sent a few at a time: each is done or not for itself, and under an id of
 * its own, so that what got no answer can be sent again without being done twice. */
import { act } from '../api/desk';
import { session } from '../state/session.svelte';
import { recall, remember } from '../state/storage';
import { uuid } from '../uuid';
import { filled } from './fill';
import type { Inbox } from './inbox.svelte';
import { trouble } from './signed.svelte';
import type { Action, ActionResult } from './types';

export const BULK_MOVES = [
  ...(['take', 'start', 'release', 'wait', 'resolve', 'reject', 'assign', 'note'] as const),
];
/** Moves that want a reason, or what was done. */
export const NEEDS_TEXT: string[] = ['assign', 'wait', 'resolve', 'reject', 'reopen', 'unmerge', 'category'];
/** Of those that can be sent again as they were. */
export const UNANSWERED = ['unsent', 'failed'];
/** So many at once, that the progress is seen. */
const PART = 10;

export interface Result {
  code: string;
  status: ActionResult['status'] | 'unsent';
  problem: ActionResult['problem'];
}

export class Bulk {
  /** By account, as all drafts of the desk. */
  readonly #kept = `desk.bulk.${session.staff?.email ?? ''}`;
  said = $state({
    move: 'take',
    text: '',
    inner: '',
    organisation: '',
    ...recall<Record<string, string>>(this.#kept),
  });
  results = $state.raw<Result[]>([]);
  busy = $state(false);
  trouble = $state('');
  #actions: Action[] = [];

  constructor(private readonly inbox: Inbox) {}

  get done(): number {
    return this.results.filter(({ status }) => status === 'done' || status === 'again').length;
  }

  keep(): void {
    remember(this.#kept, this.said);
  }

  /** Those picked, as they stand in the list: one that changed since is not done unawares. */
  async begin(): Promise<void> {
    const { move, text, inner, organisation } = this.said;
    this.#actions = this.inbox.rows
      .filter(({ task }) => this.inbox.picked.has(task.code))
      .map(({ task }) => ({
        id: uuid(),
        code: task.code,
        move,
        version: task.version,
        text: move === 'note' ? '' : filled(text, task),
        inner: filled(inner, task),
        ...(move === 'assign' ? { organisation } : {}),
      }));
    this.results = this.#actions.map(({ code }) => ({ code, status: 'unsent', problem: null }));
    await this.goOn();
  }

  /** Sends what got no answer yet. */
  async goOn(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.trouble = '';
    const unsent = new Set(
      this.results.filter(({ status }) => UNANSWERED.includes(status)).map(({ code }) => code),
    );
    const left = this.#actions.filter(({ code }) => unsent.has(code));
    try {
      for (let at = 0; at < left.length; at += PART) this.#take(await act(left.slice(at, at + PART)));
      if (this.done === this.results.length) {
        this.said.text = '';
        this.said.inner = '';
      }
    } catch (error) {
      this.trouble = trouble(error);
    } finally {
      this.busy = false;
      void this.inbox.check();
    }
  }

  forget(): void {
    this.results = [];
    this.trouble = '';
  }

  #take(answers: ActionResult[]): void {
    const codes = new Map(this.#actions.map(({ id, code }) => [id, code]));
    const of = new Map(answers.map((each) => [codes.get(each.id) ?? '', each]));
    this.results = this.results.map((each) => {
      const answer = of.get(each.code);
      if (!answer) return each;
      if (answer.status === 'done' || answer.status === 'again') this.inbox.picked.delete(each.code);
      if (answer.task) this.inbox.put(answer.task.properties);
      return { code: each.code, status: answer.status, problem: answer.problem };
    });
  }
}
