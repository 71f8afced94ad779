/** Lists that rarely change, asked for once and shared by everything that shows them. */
import * as api from '../api';
import type { Category, Ward } from '../types';
import { recall, remember } from './storage';

class List<T> {
  items = $state<T[]>([]);
  failed = $state(false);
  #asked: Promise<void> | null = null;

  constructor(
    private readonly name: string,
    private readonly fetchAll: () => Promise<T[]>,
  ) {}

  /** Asks the service unless it was asked already; after a failure the next call asks again. */
  load(): Promise<void> {
    this.#asked ??= this.#fetch();
    return this.#asked;
  }

  async #fetch(): Promise<void> {
    this.failed = false;
    // Until the answer comes, and without a signal: what was true last time is better than nothing.
    if (this.items.length === 0) this.items = recall<T[]>(this.name) ?? [];
    try {
      this.items = await this.fetchAll();
      remember(this.name, this.items);
    } catch {
      this.failed = this.items.length === 0;
      this.#asked = null;
    }
  }
}

export const categories = new List<Category>('categories', api.categories);
export const wards = new List<Ward>('wards', api.wards);

export interface Choice {
  category: Category;
  parent: Category | null;
}

/** The category with this code and the group it stands in, or null while unknown. */
export function findCategory(code: string | null): Choice | null {
  if (code === null) return null;
  for (const top of categories.items) {
    if (top.code === code) return { category: top, parent: null };
    const child = top.children.find((each) => each.code === code);
    if (child) return { category: child, parent: top };
  }
  return null;
}
