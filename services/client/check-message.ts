// What no server would take is refused before it enters the outbox: there it would stand in the way of the rest.
import { isConversationId, isPlainText, utf8Length } from '../events/ids.ts';
import { limits } from '../kernel/limits.ts';
import { SendRefused } from './client-events.ts';
import type { OutboxMessage } from './outbox-message.ts';

// {"id":9007199254740991,"type":"send","number":9007199254740991,"clientMessageId":"36 characters",…}
export const SEND_FRAME_OVERHEAD_BYTES = 160;

export function checkMessage(message: OutboxMessage): void {
  const { conversationId, contentType, payload } = message;
  if (!isConversationId(conversationId)) {
    throw new SendRefused('invalid_field', 'conversationId: this is no id of a conversation.');
  }
  if (contentType !== undefined && !isPlainText(contentType, limits.content_type_bytes_max)) {
    throw new SendRefused('invalid_field', `contentType: 1 to ${limits.content_type_bytes_max} bytes of plain text.`);
  }
  if (!payload.isWellFormed()) throw new SendRefused('invalid_field', 'payload: it holds half a surrogate pair.');
  // The escapes of JSON can make a legal payload six times as long.
  const isTooLarge =
    utf8Length(payload) > limits.payload_bytes_max ||
    utf8Length(message.encoded) + SEND_FRAME_OVERHEAD_BYTES > limits.frame_bytes_max;
  if (isTooLarge) {
    throw new SendRefused('payload_too_large', `payload: at most ${limits.payload_bytes_max} bytes of UTF-8.`);
  }
}
