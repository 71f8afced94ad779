/** What a crew works with: tasks as the service tells them, and what was done to them here. */
import type { PointFeature, Reason, TaskEvent, TaskProperties } from '../types';
import type { Text } from '../i18n/index.svelte';

export const MOVES = ['take', 'start', 'wait', 'release', 'resolve'] as const;
/** A crew's moves (`geo/reports/workflow/graph.py`); a note changes nothing but the history. */
export type Move = (typeof MOVES)[number] | 'note';

/** The properties of `GET /api/v1/tasks/{code}`. */
export interface WholeProperties extends TaskProperties {
  reasons: Reason[];
  allowed: string[];
  events: TaskEvent[];
}

export type TaskFeature = PointFeature<TaskProperties>;
export type WholeFeature = PointFeature<WholeProperties>;

/** An open report as an account saw it last, kept on the device. */
export interface Task {
  code: string;
  /** Whose list it stands in: what one account may see is not another's to read. */
  account: string;
  lon: number;
  lat: number;
  it: TaskProperties;
  whole: WholeProperties | null;
}

/** `waiting` to be sent; `conflict`: somebody else was first; `refused`: it cannot be done as it is.
 * What comes after one of the last two waits for it. */
export type ActionState = 'waiting' | 'conflict' | 'refused';

export interface Problem {
  type?: string;
  title?: string;
  detail?: string;
  detail_vi?: string;
  status?: number;
  errors?: { field: string; message: string }[];
}

/** Something done to a task, kept until the service has answered: an item of
 * `POST /api/v1/tasks/actions`, with photos by their id on this device. */
export interface OfflineAction {
  id: string;
  code: string;
  photos: string[];
  /** When it was done, in milliseconds since 1970. */
  at: number;
  /** The order in which things were done: a phone's clock may be set back. */
  seq: number;
  /** Who did it: nobody else on this device sees or sends it. */
  account: string;
  move: Move;
  text: string;
  inner: string;
  /** Of the task as it was seen, or the action of the same task that it comes after. */
  version: string | null;
  after: string | null;
  state: ActionState;
  /** It left for the service at least once; from then on it cannot be taken back. */
  tried: boolean;
  problem: Problem | null;
  /** In a conflict: the report as it is now; null: it is none of one's own any more. */
  now: WholeFeature | null;
  /** What it is about, for when the task is not in the list any more. */
  title: Text;
}

export interface ActionResult {
  id: string;
  status: 'done' | 'again' | 'conflict' | 'refused' | 'skipped' | 'failed';
  version: string | null;
  problem: Problem | null;
  task: WholeFeature | null;
}

export interface Trip {
  /** Codes in the order of the stops. */
  codes: string[];
  legs_m: number[];
  length_m: number;
  back_m: number;
  line: [number, number][];
  at: number;
  /** Put into order on the phone, when the service did not answer. */
  here?: boolean;
}
