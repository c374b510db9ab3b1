// Events as the server sends them, for tests.
import type { EventBody } from '../../../services/protocol/frames.ts';

export const GROUP = `g:${'0'.repeat(32)}`;

type Fields = { readonly sender?: string; readonly time?: number; readonly conversationId?: string };

/** A message that was decided as `seq`; its ordinal is the same unless the test says otherwise. */
export function message(
  seq: number,
  fields: Fields & {
    readonly payload?: string;
    readonly ordinal?: number;
    readonly contentType?: string;
    readonly clientMessageId?: string;
  } = {},
): EventBody {
  return {
    kind: 'message',
    conversationId: GROUP,
    seq,
    ordinal: seq,
    sender: 'bob',
    clientMessageId: `id ${seq}`,
    time: 1_000 + seq,
    contentType: 'text/plain; charset=utf-8',
    payload: `text ${seq}`,
    ...fields,
  };
}

type Membership =
  | { readonly kind: 'created'; readonly title: string; readonly members: readonly string[] }
  | { readonly kind: 'added'; readonly members: readonly string[] }
  | { readonly kind: 'removed'; readonly member: string }
  | { readonly kind: 'left'; readonly successor: string | null };

export function membership(seq: number, event: Membership, fields: Fields & { readonly ordinal?: number } = {}) {
  const common = {
    conversationId: GROUP,
    seq,
    ordinal: 0,
    sender: 'bob',
    clientMessageId: `id ${seq}`,
    time: 1_000 + seq,
  };
  return { ...common, ...event, ...fields } as EventBody;
}
