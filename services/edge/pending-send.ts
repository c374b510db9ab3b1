// One send between its session and the log.
import type { SendMessage } from '../events/commands.ts';
import type { Refusal } from '../kernel/errors.ts';
import type { CommandToAppend } from '../ports/log/command-appender.ts';
import type { NodeAddress } from '../ports/sessions/session-registry.ts';
import { CONTENT_TYPE_DEFAULT, type SendRequest } from '../protocol/frames.ts';

/** The session, as its sends see it. */
export interface SendOrigin {
  readonly number: number;
  readonly user: string;
  onSendAccepted(id: number): void;
  onSendRefused(id: number, number: number, refused: Refusal): void;
}

export class PendingSend implements CommandToAppend {
  readonly key: string;
  readonly value: Uint8Array;
  readonly partition: number;
  readonly sender: SendOrigin;
  readonly #id: number;
  readonly #number: number;

  constructor(sender: SendOrigin, request: SendRequest, value: Uint8Array, partition: number) {
    this.key = request.conversationId;
    this.value = value;
    this.partition = partition;
    this.sender = sender;
    this.#id = request.id;
    this.#number = request.number;
  }

  onAccepted(): void {
    this.sender.onSendAccepted(this.#id);
  }

  onRefused(refused: Refusal): void {
    this.sender.onSendRefused(this.#id, this.#number, refused);
  }
}

export function commandOf(request: SendRequest, sender: SendOrigin, address: NodeAddress): SendMessage {
  return {
    type: 'SendMessage',
    conversationId: request.conversationId,
    sender: sender.user,
    commandId: request.clientMessageId,
    origin: {
      node: address.node,
      incarnation: address.incarnation,
      session: sender.number,
      request: request.number,
    },
    contentType: request.contentType ?? CONTENT_TYPE_DEFAULT,
    keyId: null,
    payload: Buffer.from(request.payload, 'utf8'),
  };
}
