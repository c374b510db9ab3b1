// How a line's kind travels: the text is the payload, untouched; that it was an action (an IRC /me) is a parameter of the
// content type, which the server passes on and a page may show or not.
import { CONTENT_TYPE_DEFAULT } from '../../protocol/frames.ts';
import type { LineKind } from './history-line.ts';

export const ACTION_CONTENT_TYPE = `${CONTENT_TYPE_DEFAULT}; fanlog-kind=action`;

export function contentTypeOf(kind: LineKind): string {
  return kind === 'action' ? ACTION_CONTENT_TYPE : CONTENT_TYPE_DEFAULT;
}
