// Days and times as people read them. Times are milliseconds since 1970; `now` comes in, so that tests can choose it.

const DAY_MS = 86_400_000;

/** Equal for two times of one calendar day, where the reader is. */
export function dayOf(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** "14:05", or as the reader's locale writes it. */
export function clockTime(time: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' }).format(time);
}

/** "Today", "Yesterday", "Monday", "3 March", "3 March 2023". */
export function dayLabel(time: number, now: number, locale?: string): string {
  const days = daysBetween(time, now);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return new Intl.DateTimeFormat(locale, { weekday: 'long' }).format(time);
  const isThisYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  const year = isThisYear ? {} : ({ year: 'numeric' } as const);
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', ...year }).format(time);
}

/** For a list: the time today, else the day, short. */
export function shortLabel(time: number, now: number, locale?: string): string {
  const days = daysBetween(time, now);
  if (days === 0) return clockTime(time, locale);
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return new Intl.DateTimeFormat(locale, { weekday: 'short' }).format(time);
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }).format(time);
}

/** The whole of it, for a tooltip. */
export function fullTime(time: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' }).format(time);
}

// Midnights are compared, rounded: a day of 23 or 25 hours is a day.
function daysBetween(time: number, now: number): number {
  return Math.round((midnight(now) - midnight(time)) / DAY_MS);
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
