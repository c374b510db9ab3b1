// Every bound of the system, with the sum that chose it. A limit that belongs to one file stands in that file instead.

const KiB = 1024;

export const limits = {
  /** A WebSocket frame from a client. Four payloads of the greatest size would fit; one with its JSON escapes does. */
  frame_bytes_max: 64 * KiB,
  /** A message's payload, in UTF-8 bytes. A fanned-out record holds one payload and 500 recipients of 64 bytes: 48 KiB. */
  payload_bytes_max: 16 * KiB,
  /** Nesting of a client's JSON. The deepest legal frame (hello with its cursor) has 2. */
  json_depth_max: 8,
  frames_per_second: 50,
  frames_burst: 100,
  /** User ids: bytes of UTF-8, without control characters. */
  user_id_bytes_max: 64,
  device_id_bytes_max: 64,
  /** `d:` + two ids with their length prefixes: 2 + 2 * (3 + 64). */
  conversation_id_bytes_max: 136,
  content_type_bytes_max: 128,
  title_bytes_max: 256,
  devices_per_user_max: 10,
  /** Entries of a pull or of a history page. 100 payloads of the greatest size are 1.6 MB. */
  page_entries_max: 100,
  /** A client's unsent messages. */
  outbox_messages_max: 1_000,
  /** Bytes uWebSockets.js buffers for a slow socket before frames are dropped and the client is told `behind`. */
  socket_buffer_bytes_max: 256 * KiB,
  heartbeat_ms: 25_000,
  hello_within_ms: 5_000,
  drain_ms: 20_000,
  group_members_max: 500,
  /** Members named in one add. One timeline event names them all: 500 * 64 bytes. */
  members_per_command_max: 500,
  /** Deliveries of records older than this are replaced by `behind`: the client pulls once instead of seeing a replay. */
  delivery_age_ms_max: 120_000,
  /** A commit waits this long at most for the hints that it covers. */
  hint_wait_ms_max: 2_000,
  /** State rows are written behind, at least this often. */
  flush_interval_ms: 1_000,
  /** A command over HTTP is appended again after this, then answered with 202. */
  command_retry_ms: 2_000,
  command_deadline_ms: 10_000,
} as const;

export type Limits = { readonly [K in keyof typeof limits]: number };
