/** What the service tells the desk. */
import type { Text } from '../i18n/index.svelte';
import type { Photo, TaskEvent, TaskProperties } from '../types';

/** What a line of the inbox and the whole report have in common. */
export interface TaskFacts extends TaskProperties {
  late: boolean;
  first_due_at: string | null;
  replied_at: string | null;
  escalated: { first_reply: number; resolve: number };
  /** The public sees it, at its exact place. */
  public: boolean;
}

/** A line of the inbox. */
export interface TaskRow extends TaskFacts {
  lon: number;
  lat: number;
  reasons: Text[];
}

export interface Counts {
  open: number;
  late: number;
  status: Record<string, number>;
}

export interface InboxPage {
  tasks: TaskRow[];
  next: string | null;
  counts?: Counts | null;
}

/** All of a report, whatever its status. */
export interface WholeFacts extends TaskFacts {
  resolved_at: string | null;
  closed_at: string | null;
  observed_at: string | null;
  accuracy_m: number | null;
  answers: Record<string, string | number>;
  reasons: Text[];
  channel: string;
  supports: number;
  reopened: number;
  rating: number | null;
  duplicate_of: string | null;
  withheld: 'review' | 'hidden' | null;
  allowed: string[];
  events: TaskEvent[];
}

export interface Feature<P> {
  geometry: { coordinates: [lon: number, lat: number] };
  properties: P;
}

/** A report as it was seen: its `etag` goes into `If-Match` of what changes it. */
export interface Seen {
  etag: string;
  task: WholeFacts;
  at: [lon: number, lat: number];
}

/** An open report that may be the same. */
export interface Alike {
  code: string;
  category: { code: string; name: Text; icon: string };
  text: string;
  status: string;
  created_at: string;
  due_at: string | null;
  ward: string | null;
  organisation: string | null;
  supports: number;
  distance_m: number;
  likeness: number | null;
  score: number;
}

export interface Contact {
  name: string | null;
  phone: string | null;
  email: string | null;
}

export interface Template {
  id: number;
  name: string;
  text_vi: string;
  text_en: string;
  version: number;
  changed_at: string;
  changed_by: string | null;
}

/** One of many moves sent together; the same `id` again does nothing more. */
export interface Action {
  id: string;
  code: string;
  move: string;
  version: string;
  text: string;
  inner: string;
  organisation?: string;
}

export interface ActionResult {
  id: string;
  status: 'done' | 'again' | 'conflict' | 'refused' | 'skipped' | 'failed';
  version: string | null;
  problem: { type?: string; detail?: string; detail_vi?: string } | null;
  task: Feature<WholeFacts> | null;
}

export interface StaffPhoto extends Photo {
  /** The public is not shown it. */
  hidden: boolean;
}

/** What the public does not see: `review` until somebody of the staff has looked, `hidden` by them. */
export type WithheldState = 'review' | 'hidden';

/** A report as whoever lets the public see it is shown it; `state` null: the public does. */
export interface Withheld {
  code: string;
  version: string;
  state: WithheldState | null;
  reasons: { code: string; vi: string; en: string }[];
  category: { code: string; name: Text };
  text: string;
  answers: Record<string, string | number>;
  additions: { n: number; text: Text; public: boolean }[];
  photos: StaffPhoto[];
  edited_at: string | null;
  ward: string | null;
  created_at: string;
}

export type WithheldCounts = Record<WithheldState, number>;

export interface WithheldPage {
  reports: Withheld[];
  next: string | null;
  counts?: WithheldCounts | null;
}
