/** Numbers, shares and times as people read them. Everything is in the language of the words, not of the browser. */

const LOCALE = 'en-GB';

/** Made when it is used first: a browser takes milliseconds to make each, and most pages need few. */
function dates(options: Intl.DateTimeFormatOptions): (at: number) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (at) => {
    made ??= new Intl.DateTimeFormat(LOCALE, options);
    return made.format(at);
  };
}

const time = dates({ hour: '2-digit', minute: '2-digit' });
const seconds = dates({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
const weekday = dates({ weekday: 'short', hour: '2-digit', minute: '2-digit' });
const day = dates({ day: 'numeric', month: 'short' });
const dayOfYear = dates({ day: 'numeric', month: 'short', year: 'numeric' });
const full = dates({ dateStyle: 'medium', timeStyle: 'medium' });

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/**
 * `10 214`. A thin space between groups of digits: a comma reads as a decimal point in half of the world. Numbers are
 * not left to `Intl`, which takes 20 ms for its first one.
 */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');

/** With at most so many digits behind the point, and none that say nothing. */
const decimal = (value: number, digits: number): string => String(Number(value.toFixed(digits)));

/** A percentage with as many digits as say something: `8.2 %`, `0.31 %`, `100 %`. */
export function percent(value: number): string {
  return `${percentNumber(value)}\u202f%`;
}

export function percentNumber(value: number): string {
  const size = Math.abs(value);
  return decimal(value, size >= 20 ? 1 : size >= 0.01 || size === 0 ? 2 : 3);
}

/** A percentage as it was written, with at most three decimals. */
export const exactPercent = (value: number): string => `${decimal(value, 3)}\u202f%`;

/** A share, or a bound of it. */
export const bounded = (value: number, atMost: boolean): string => (atMost ? '≤\u202f' : '') + exactPercent(value);

/** A share from 0 to 1 with two decimals: `3.90 %`. */
export const rate = (share: number): string => `${(share * 100).toFixed(2)}\u202f%`;

/** `2.3`. */
export const times = (value: number): string => decimal(value, 1);

/** `12 min`, `2 h`, `3 d`. */
export function span(ms: number): string {
  const size = Math.max(0, ms);
  if (size < MINUTE) return `${Math.round(size / SECOND)}\u202fs`;
  if (size < HOUR) return `${Math.round(size / MINUTE)}\u202fmin`;
  if (size < 2 * DAY) return `${Math.round(size / HOUR)}\u202fh`;
  return `${Math.round(size / DAY)}\u202fd`;
}

/** A time as short as it can be: `14:08`, `Fri 21:40`, `12 Nov`. */
export function moment(at: number, now: number): string {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return time(at);
  if (Math.abs(now - at) < 6 * DAY) return weekday(at);
  return (Math.abs(now - at) < 300 * DAY ? day : dayOfYear)(at);
}

/** `14:32`. */
export const clock = (at: number): string => time(at);
/** `14:32:07`. */
export const clockSeconds = (at: number): string => seconds(at);
/** `31 Jan`. */
export const date = (at: number): string => day(at);
/** `30 Nov 2026, 14:32:07`. */
export const exactly = (at: number): string => full(at);

/** A count with its noun. */
export const plural = (many: number, one: string, more: string): string => `${count(many)} ${many === 1 ? one : more}`;
