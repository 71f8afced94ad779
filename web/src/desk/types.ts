/** What the service tells the desk. */
import type { Text } from '../i18n/index.svelte';
import type { Organisation } from '../types';

export interface Photo {
  n: number;
  media_type?: string;
  width: number;
  height: number;
  url: string;
  /** Of a video: a picture of it. */
  still?: string;
}

export interface TaskFacts {
  code: string;
  version: string;
  status: string;
  priority: number;
  category: { code: string; name: Text; icon: string };
  photo_wanted: boolean;
  text: string;
  created_at: string;
  due_at: string | null;
  late: boolean;
  first_due_at: string | null;
  replied_at: string | null;
  escalated: { first_reply: number; resolve: number };
  waits_since: string | null;
  holder: { mine: boolean; name: string } | null;
  ward: { code: string; name: string; kind?: string } | null;
  organisation: Organisation | null;
  public: boolean;
  photos: Photo[];
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

export interface TaskEvent {
  at: string;
  kind: string;
  text: Text;
  public: boolean;
  by: string | null;
  data: Record<string, unknown>;
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

/** What the public does not see until somebody of the staff has looked. */
export interface Withheld {
  code: string;
  version: string;
}
