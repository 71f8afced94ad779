/** What the desk asks of the service. */
import type {
  Action,
  ActionResult,
  Alike,
  Contact,
  Feature,
  InboxPage,
  Seen,
  StaffPhoto,
  Template,
  WholeFacts,
  Withheld,
  WithheldPage,
  WithheldState,
} from '../desk/types';
import type { Organisation } from '../types';
import { ask, askWhole, json, query } from './ask';

/** Two hundred actions may each wait for a lock. */
const LONG_MS = 60_000;

export type Asked = Record<string, string | number | boolean | null>;

export function inbox(asked: Asked, newer?: AbortSignal): Promise<InboxPage> {
  return ask(`/api/v1/tasks?${query(asked)}`, {}, newer);
}

export function inboxAt(next: string, newer?: AbortSignal): Promise<InboxPage> {
  // The address is absolute, and may name a proxy that this browser does not reach.
  const { pathname, search } = new URL(next, location.origin);
  return ask(pathname + search, {}, newer);
}

function path(code: string, rest = ''): string {
  return `/api/v1/tasks/${encodeURIComponent(code)}${rest}`;
}

async function seen(
  address: string,
  init: RequestInit = {},
  newer?: AbortSignal,
): Promise<Seen> {
  const { value, headers } = await askWhole<Feature<WholeFacts>>(address, init, newer);
  const etag = headers.get('ETag') ?? `W/"${value.properties.version}"`;
  return { etag, task: value.properties, at: value.geometry.coordinates };
}

export function task(code: string, newer?: AbortSignal): Promise<Seen> {
  return seen(path(code), {}, newer);
}

/** `what`: a move, or `notes`, `category`, `merge`, `unmerge`. Refused with 412 where the report is
 * not what `etag` names any more, with 409 where it cannot be done from where it stands. */
export function change(code: string, what: string, said: object, etag: string): Promise<Seen> {
  const { body, headers } = json(said);
  return seen(path(code, `/${what}`), {
    method: 'POST',
    body,
    headers: { ...headers, 'If-Match': etag },
  });
}

/** Many at once, each for itself; sent again, what was done is not done twice. */
export async function act(actions: Action[]): Promise<ActionResult[]> {
  const init = { method: 'POST', ...json({ actions }) };
  const sent = askWhole<{ results: ActionResult[] }>('/api/v1/tasks/actions', init, undefined, LONG_MS);
  return (await sent).value.results;
}

export async function alike(code: string, newer?: AbortSignal): Promise<Alike[]> {
  const found = await ask<{ features: Feature<Alike>[] }>(path(code, '/similar'), {}, newer);
  return found.features.map(({ properties }) => properties);
}

/** Those that the public is not shown, too. */
export async function allPhotos(code: string): Promise<StaffPhoto[]> {
  const address = `/api/v1/reports/${encodeURIComponent(code)}/photos`;
  return (await ask<{ photos: StaffPhoto[] }>(address)).photos;
}

/** Each call is a line of the audit log, with `why`. Null: the report is anonymous. */
export async function contact(code: string, why: string): Promise<Contact | null> {
  const address = `/api/v1/reports/${encodeURIComponent(code)}/contact?${query({ why })}`;
  return (await ask<{ contact: Contact | null }>(address)).contact;
}

/** What the public does not see, newest first. */
export function withheld(
  state: WithheldState,
  limit: number,
  cursor: string | null = null,
  newer?: AbortSignal,
): Promise<WithheldPage> {
  const asked = query({ state, limit, cursor, counts: true });
  return ask(`/api/v1/moderation/reports?${asked}`, {}, newer);
}

function moderated(code: string, rest = ''): string {
  return `/api/v1/moderation/reports/${encodeURIComponent(code)}${rest}`;
}

export function withheldOne(code: string): Promise<Withheld> {
  return ask(moderated(code));
}

/** Lets the public see what is `version`, or keeps it from them; another one by now: 412. */
export function decide(
  code: string,
  what: 'release' | 'hide',
  reason: string,
  version: string,
): Promise<Withheld> {
  return ask(moderated(code, `/${what}`), { method: 'POST', ...json({ reason, version }) });
}

export async function organisations(): Promise<Organisation[]> {
  const path = '/api/v1/organisations';
  const { organisations: found } = await ask<{ organisations: Organisation[] }>(path);
  // The database's order knows no Vietnamese.
  return found.sort((a, b) => a.name.vi.localeCompare(b.name.vi, 'vi'));
}

export async function templates(): Promise<Template[]> {
  return (await ask<{ templates: Template[] }>('/api/v1/answer-templates')).templates;
}

export type Written = Pick<Template, 'name' | 'text_vi' | 'text_en'>;

export function addTemplate(written: Written): Promise<Template> {
  return ask('/api/v1/answer-templates', { method: 'POST', ...json(written) });
}

export function changeTemplate(id: number, written: Written, version: number): Promise<Template> {
  const init = { method: 'PUT', ...json({ ...written, version }) };
  return ask(`/api/v1/answer-templates/${id}`, init);
}

export function dropTemplate(id: number): Promise<null> {
  return ask(`/api/v1/answer-templates/${id}`, { method: 'DELETE' });
}
