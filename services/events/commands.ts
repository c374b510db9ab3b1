// What the topic `messages` holds: what was asked. Commands are verbs; refusals and repeats stand here too.
// The Avro schemas of the same names in schemas/ are the contract; these types are their shape in TypeScript.

/** Where a command came from, so that its outcome finds the way back. */
export interface Origin {
  /** Name of the edge or api process. */
  readonly node: string;
  /** One run of that process; an outcome for an earlier run finds nobody. */
  readonly incarnation: string;
  /** The session on that node. */
  readonly session: number;
  /** The request within that session. */
  readonly request: number;
}

interface CommandBase {
  readonly conversationId: string;
  /** Who asks. Authenticated by whoever appended the command. */
  readonly sender: string;
  /** UUIDv7 made at the first attempt from the server's time; (sender, commandId) is decided once. */
  readonly commandId: string;
  readonly origin: Origin;
}

/** In the schema and on the wire its commandId is called `clientMessageId`. */
export interface SendMessage extends CommandBase {
  readonly type: 'SendMessage';
  readonly contentType: string;
  /** Names the key that the payload is encrypted with; null while it is not. Room for erasure by forgetting keys. */
  readonly keyId: string | null;
  readonly payload: Uint8Array;
}

export interface CreateConversation extends CommandBase {
  readonly type: 'CreateConversation';
  readonly title: string;
  readonly memberLimit: number;
  /** Without the creator, who is the owner. No repeats. */
  readonly members: readonly string[];
}

export interface AddMembers extends CommandBase {
  readonly type: 'AddMembers';
  readonly members: readonly string[];
}

export interface RemoveMember extends CommandBase {
  readonly type: 'RemoveMember';
  readonly member: string;
}

export interface LeaveConversation extends CommandBase {
  readonly type: 'LeaveConversation';
}

export type Command = SendMessage | CreateConversation | AddMembers | RemoveMember | LeaveConversation;

/** Proves that what is appended comes out at the other end. No seq, no timeline row, no event. */
export interface Canary {
  readonly type: 'Canary';
  readonly canaryId: string;
  readonly origin: Origin;
}

/** From here on this partition of `messages` is decided by that version of the fold (R1). */
export interface FoldVersion {
  readonly type: 'FoldVersion';
  readonly version: number;
}

export type MessagesRecord = Command | Canary | FoldVersion;
