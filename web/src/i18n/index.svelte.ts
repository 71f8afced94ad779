import { en } from './en';
import { vi, type Messages } from './vi';

export type Lang = 'vi' | 'en';
/** A name in both languages of the service. */
export type Text = { vi: string; en: string };

const STORED = 'pinward.lang';
const ZONE = 'Asia/Ho_Chi_Minh';
const messages: Record<Lang, Messages> = { vi, en };

function isLang(value: string | null): value is Lang {
  return value === 'vi' || value === 'en';
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage is closed in some private windows
  }
}

/** The address wins over the memory; Vietnamese is the default, whatever the browser prefers. */
function firstLang(): Lang {
  const asked = new URLSearchParams(location.search).get('lang');
  if (isLang(asked)) return asked;
  const stored = remembered();
  return isLang(stored) ? stored : 'vi';
}

const first = firstLang();
let lang = $state<Lang>(first);
document.documentElement.lang = first;

export const i18n = {
  get lang(): Lang {
    return lang;
  },
  get t(): Messages {
    return messages[lang];
  },
};

/** The sentences of one page in the page's language. They stand beside it, in Vietnamese and English,
 * both of one shape: `export const vi = {…}; export const en: typeof vi = {…};`, and come with it. */
export function worded<T>(both: { vi: T; en: T }): T {
  return both[lang];
}

/** Changes the language of everything shown and remembers it; `?lang=` in the address follows. */
export function setLang(next: Lang): void {
  lang = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // nothing to remember it in; the address still says it
  }
  const url = new URL(location.href);
  if (url.searchParams.has('lang')) {
    url.searchParams.set('lang', next);
    history.replaceState(history.state, '', url);
  }
}

/** The name in the page's language, else in the other one. */
export function localized(name: { vi: string; en: string | null } | null | undefined): string {
  if (!name) return '';
  return name[lang] || name.vi || name.en || '';
}

/** Day and time as people in the city read them, wherever the browser stands. */
export function dateTime(at: string): string {
  return new Intl.DateTimeFormat(lang === 'vi' ? 'vi-VN' : 'en-GB', {
    timeZone: ZONE,
    weekday: 'short',
    day: 'numeric',
    month: lang === 'vi' ? 'numeric' : 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  }).format(new Date(at));
}

/** A day given as YYYY-MM-DD. */
export function day(on: string): string {
  return new Intl.DateTimeFormat(lang === 'vi' ? 'vi-VN' : 'en-GB', {
    timeZone: 'UTC',
    day: 'numeric',
    month: lang === 'vi' ? 'numeric' : 'short',
    year: 'numeric',
  }).format(new Date(`${on}T00:00:00Z`));
}

/** The name of a calendar month, 1 to 12, as it stands inside a sentence. */
export function monthName(month: number): string {
  if (lang === 'vi') return `tháng ${month}`;
  const at = new Date(Date.UTC(2024, month - 1, 1));
  return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long' }).format(at);
}

const yearOf = (at: Date): string =>
  new Intl.DateTimeFormat('en', { timeZone: ZONE, year: 'numeric' }).format(at);

/** Day and time in little room, for lists; the year where it is not this one. */
export function shortTime(at: string): string {
  const when = new Date(at);
  return new Intl.DateTimeFormat(lang === 'vi' ? 'vi-VN' : 'en-GB', {
    timeZone: ZONE,
    day: 'numeric',
    month: lang === 'vi' ? 'numeric' : 'short',
    ...(yearOf(when) === yearOf(new Date()) ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
  }).format(when);
}

/** 84 m, 1,2 km: a length in metres as a walker would say it. */
export function distance(metres: number): string {
  const locale = lang === 'vi' ? 'vi-VN' : 'en-GB';
  if (metres < 1000) return `${new Intl.NumberFormat(locale).format(Math.round(metres))} m`;
  const km = new Intl.NumberFormat(locale, { maximumFractionDigits: metres < 10_000 ? 1 : 0 });
  return `${km.format(metres / 1000)} km`;
}

export function count(n: number): string {
  return new Intl.NumberFormat(lang === 'vi' ? 'vi-VN' : 'en-GB').format(n);
}

const KINDS: Record<string, { vi: string; en: (name: string) => string }> = {
  ward: { vi: 'Phường', en: (name) => `${name} ward` },
  commune: { vi: 'Xã', en: (name) => `${name} commune` },
  town: { vi: 'Thị trấn', en: (name) => `${name} town` },
  special_zone: { vi: 'Đặc khu', en: (name) => `${name} special zone` },
  district: { vi: 'Quận', en: (name) => `${name} district` },
};

/** "Phường Bến Thành", "Bến Thành ward": the kind is part of what a ward is called. */
export function wardTitle(ward: { name: string; kind?: string | null } | null): string {
  if (!ward) return '';
  const kind = KINDS[ward.kind ?? ''];
  if (!kind || ward.name.startsWith(`${kind.vi} `)) return ward.name;
  return lang === 'vi' ? `${kind.vi} ${ward.name}` : kind.en(ward.name);
}
