// An entry as inboxes point to it.
export interface Pointer {
  readonly conversationId: string;
  readonly seq: number;
}

export function nameOf({ conversationId, seq }: Pointer): string {
  return `${conversationId}#${seq}`;
}
