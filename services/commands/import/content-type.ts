// How what a line says besides its text travels: the text is the payload, untouched; when it was said first, and that it was
// an action (an IRC /me), are parameters of the content type, which the server passes on and a page may show or not. An
// event's own time is that of the import.
import { CONTENT_TYPE_DEFAULT } from '../../protocol/frames.ts';
import type { HistoryLine } from './history-line.ts';

/** `fanlog-time` is in milliseconds since 1970. */
export function contentTypeOf({ kind, time_ms }: Pick<HistoryLine, 'kind' | 'time_ms'>): string {
  const action = kind === 'action' ? '; fanlog-kind=action' : '';
  return `${CONTENT_TYPE_DEFAULT}; fanlog-time=${time_ms}${action}`;
}
