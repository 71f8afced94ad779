/** What the service answers, as far as the pages read it. Times are RFC 3339 UTC, positions WGS 84. */
import type { Polygon } from 'geojson';
import type { Text } from './i18n/index.svelte';

/** Something a category asks for besides the text. */
export interface Question {
  code: string;
  type: string;
  required: boolean;
  text: Text;
  values?: { code: string; text: Text }[];
}

export interface Category {
  code: string;
  name: Text;
  icon: string;
  /** Reports of hidden ones are shown to nobody but who works on them. */
  visibility?: 'public' | 'blurred' | 'hidden';
  questions: Question[];
  children: Category[];
}

export interface Ward {
  code: string;
  name: string;
  kind?: string;
  center: [lon: number, lat: number];
  bbox?: [west: number, south: number, east: number, north: number];
}

export interface Organisation {
  code: string;
  name: Text;
}

/** A ward whose boundary the accuracy circle also touches. */
export interface NearWard {
  code: string;
  name: string;
  kind?: string;
  distance_m: number;
}

export interface WardAt {
  code: string;
  name: string;
  kind?: string;
  match: 'covers' | 'nearest';
  distance_m: number;
  ambiguous_with: NearWard[];
  organisation?: Organisation | null;
}

export interface Receipt {
  code: string;
  secret: string;
  tracking_url: string;
  status: string;
  ward: { code: string; name: string; kind?: string };
  organisation: Organisation | null;
  reasons: Reason[];
  due_at: string | null;
}

/** Why a report went where it went: one sentence, or one in each language. */
export type Reason = string | Text;

export interface ReportProperties {
  code: string;
  category: { code: string; name: Text; icon: string };
  text: string | null;
  status: string;
  kind: string;
  created_at: string;
  due_at: string | null;
  closed_at: string | null;
  ward: { code: string; name: string; kind?: string } | null;
  organisation: Organisation | null;
  reasons?: Reason[];
  resolved_at: string | null;
  photos: Photo[];
  /** How many said "me too". */
  supports: number;
  duplicate_of: string | null;
  erased: boolean;
  /** The rest is in the reporter's own view only. */
  mine?: boolean;
  allowed?: OwnAct[];
  correctable_until?: string;
  erased_at?: string | null;
  rating?: number | null;
  reporter?: { name?: string; phone?: string; email?: string } | null;
}

/** What a report's sender may do with it. */
export type OwnAct =
  | 'correct'
  | 'position'
  | 'add'
  | 'withdraw'
  | 'confirm'
  | 'reopen'
  | 'rate'
  | 'contact'
  | 'erase';

/** A photo of a report; of a video, its still is the picture. */
export interface Photo {
  n: number;
  media_type?: string | null;
  width: number;
  height: number;
  url: string;
  still?: string | null;
}

/** A report that may be the same as the one being written. */
export interface Alike extends ReportProperties {
  distance_m: number;
  /** Whether to ask. */
  offered: boolean;
}

/** An urgent warning from the city. */
export interface Alert {
  id: number;
  kind: string;
  severity: string;
  headline: OptionalText;
  description: OptionalText | null;
  area: OptionalText;
  sender: OptionalText;
  effective_at: string;
  expires_at: string;
  cancelled_at: string | null;
}

/** A place where a category's share of reports stands out, as of a day. */
export interface Hotspot {
  id: string;
  as_of: string;
  name: Text;
  sentence: Text;
  confidence: Text & { level: string };
  n: number;
  relative_risk: number;
  trend: string | null;
  months: number[];
  first_seen: string;
  open_share: number;
  near: Facility[];
}

/** English is where there is a translation. */
export interface OptionalText {
  vi: string;
  en: string | null;
}

export interface PointFeature<P> {
  type: 'Feature';
  geometry: { type: 'Point'; coordinates: [number, number] } | null;
  properties: P;
}

export interface AreaFeature<P> {
  type: 'Feature';
  geometry: Polygon;
  properties: P;
}

export interface ReportEvent {
  at: string;
  kind: string;
  text: Text | string | null;
}

export interface Facility {
  id?: number;
  name: string | null;
  kind: string;
  address?: string | null;
  /** Where it was asked for near a place. */
  distance_m: number;
}

export interface PlacedFacility extends Facility {
  lon: number;
  lat: number;
}

export interface Staff {
  email: string;
  name: string;
  role: string;
  ward: { code: string; name: string; kind?: string } | null;
  organisation: Organisation | null;
}

/** A place chosen by the citizen; `accuracy_m` only where the device measured it. */
export interface Pin {
  lon: number;
  lat: number;
  accuracy_m: number | null;
  source: 'tap' | 'device' | 'ward';
}

/** The body of `POST /api/v1/reports`. */
export interface NewReport {
  category: string;
  lon: number;
  lat: number;
  accuracy_m?: number;
  text: string;
  answers?: Record<string, string | number>;
  reporter?: { name?: string; phone?: string; email?: string };
  /** Ids of uploads. */
  photos?: string[];
}
