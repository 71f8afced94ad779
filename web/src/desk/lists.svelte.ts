/** What many parts of the desk choose from. */
import { organisations as askOrganisations, templates as askTemplates } from '../api/desk';
import type { Organisation } from '../types';
import type { Template } from './types';

class Choices<T> {
  items = $state.raw<T[]>([]);
  state = $state<'none' | 'loading' | 'there' | 'failed'>('none');

  constructor(private readonly fetchAll: () => Promise<T[]>) {}

  /** Asks the service, unless it was asked. */
  async load(anew = false): Promise<void> {
    if (this.state === 'loading' || (this.state === 'there' && !anew)) return;
    if (this.state !== 'there') this.state = 'loading';
    try {
      this.items = await this.fetchAll();
      this.state = 'there';
    } catch {
      if (this.state !== 'there') this.state = 'failed';
    }
  }
}

export const organisations = new Choices<Organisation>(askOrganisations);
export const templates = new Choices<Template>(askTemplates);

/** The time by which deadlines are told; a minute old at most. */
export const clock = $state({ now: Date.now() });

export function runClock(): () => void {
  clock.now = Date.now();
  const timer = setInterval(() => (clock.now = Date.now()), 30_000);
  return () => clearInterval(timer);
}
