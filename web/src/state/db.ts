/** What has to survive a reload and an empty battery: IndexedDB, all of it opened in one place.
 *
 * Storage may be closed (a private window) or full; then `db()` or a write throws, and whoever kept
 * something there must say that it is not safe. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { CrewDraft } from '../crew/drafts';
import type { OfflineAction, Task } from '../crew/types';
import type { KeptPhoto } from '../photos/kept';
import type { Draft } from './draft.svelte';
import type { OutgoingReport } from './outbox.svelte';

export interface Schema extends DBSchema {
  /** The report being written, as `report`; what a crew is about to say, as `crew.…`. */
  drafts: { key: string; value: Draft | CrewDraft };
  /** Photos by their id here, until what they belong to has been taken in. */
  photos: { key: string; value: KeptPhoto };
  /** Reports that wait to be sent, by their id here. */
  reports: { key: string; value: OutgoingReport; indexes: { at: number } };
  /** What a crew did and the service has not answered, by the action's id, in order. */
  actions: { key: string; value: OfflineAction; indexes: { at: number } };
  /** The tasks a crew saw last, by their code. */
  tasks: { key: string; value: Task };
}

let opened: Promise<IDBPDatabase<Schema>> | null = null;

export function db(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>('pinward', 1, {
    upgrade(made) {
      made.createObjectStore('drafts');
      made.createObjectStore('photos', { keyPath: 'id' });
      made.createObjectStore('reports', { keyPath: 'id' }).createIndex('at', 'at');
      made.createObjectStore('actions', { keyPath: 'id' }).createIndex('at', 'at');
      made.createObjectStore('tasks', { keyPath: 'code' });
    },
    // A newer page wants to change it: let go, and open anew when next asked.
    blocking: (_at, _to, event) => {
      (event.target as IDBDatabase).close();
      opened = null;
    },
    terminated: () => (opened = null),
  });
  // What failed to open may open later.
  opened.catch(() => (opened = null));
  return opened;
}

/** Asks the browser not to clear it when the device runs short of room; it may say no. */
export async function keepStorage(): Promise<boolean> {
  try {
    return (await navigator.storage?.persist?.()) ?? false;
  } catch {
    return false;
  }
}
