/** The page's sentences, and its numbers as they are read. */
import { count, day, i18n, worded } from '../i18n/index.svelte';
import { en } from './en';
import { vi } from './vi';
import type { Days } from './periods';

export const words = {
  get t(): typeof vi {
    return worded({ vi, en });
  },
};

/** 85 %. */
export function percent(part: number): string {
  return `${count(Math.round(part * 100))} %`;
}

/** 3,4: one digit after the comma, as far as a mean of few tells. */
export function tenth(n: number): string {
  return new Intl.NumberFormat(i18n.lang === 'vi' ? 'vi-VN' : 'en-GB', {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(n);
}

/** An expected number: below one it is not told more closely. */
export function usual(n: number): string {
  return n < 1 ? words.t.said.less : tenth(n);
}

/** A change, its sign always written. */
export function signed(n: number, digits = 0): string {
  return new Intl.NumberFormat(i18n.lang === 'vi' ? 'vi-VN' : 'en-GB', {
    signDisplay: 'exceptZero',
    maximumFractionDigits: digits,
  }).format(n);
}

/** Tháng 3/2026, Mar 2026. */
export function month(of: string): string {
  const [year, number] = of.split('-').map(Number) as [number, number];
  if (i18n.lang === 'vi') return `${number}/${year}`;
  return new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(Date.UTC(year, number - 1, 1)),
  );
}

export function period({ since, until }: Days): string {
  const { said } = words.t;
  if (since && until) return said.between(day(since), day(until));
  if (since) return said.from(day(since));
  return until ? said.to(day(until)) : said.allTime;
}
