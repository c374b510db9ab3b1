// The checker's own test: one broken rule each. Every one must be caught by some seed, or the checker, or the schedule,
// is too kind. They are the mutants of the design's model that apply to real code, and what only real code can get wrong.
//
// Left out: "a flush writes a difference, not what was touched" - a slice ends with each change of members and is flushed
// at once, so that the two are the same.
import type { Patch } from './runner/bundle.ts';
import type { Bias } from './world/bias.ts';

export interface Mutant {
  readonly name: string;
  /** The rule of the design that it breaks. */
  readonly rule: string;
  readonly patches: readonly Patch[];
  /** Where the rule needs a rare order. */
  readonly bias?: Bias;
}

const FANOUT = 'services/fanout/fanout-processor.ts';
const SLICE = 'services/fanout/slice-outputs.ts';
const FOLD = 'services/fanout/fold-conversation.ts';
const LOAD = 'services/fanout/load-conversation.ts';
const INBOX = 'services/inbox/inbox-processor.ts';
const FOLD_INBOX = 'services/inbox/fold-inbox.ts';
const READER = 'services/ports/log/contiguous-reader.ts';
const APPENDER = 'services/ports/log/command-appender.ts';
const SESSION = 'services/edge/edge-session.ts';
const EDGE = 'services/edge/edge-node.ts';
const TABLES = 'services/ports/store/live-tables.ts';
const SUPERVISOR = 'services/ports/log/partition-supervisor.ts';
const STORE = 'test/simulation/ports/simulated-store.ts';

const WRITE_AND_APPEND = '    await Promise.all([\n      this.#retry(() => store.writeTimeline(';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'as-of-ignored',
    rule: 'R2: a command at or below the row’s asOf is skipped',
    bias: 'crashes',
    patches: [{ file: FANOUT, find: 'if (state.asOf >= position) {', replace: 'if (false) {' }],
  },
  {
    name: 'cache-kept-after-abort',
    rule: 'R2: an abort between step and append throws the cache away',
    bias: 'aborts',
    patches: [
      {
        file: FANOUT,
        find: '    this.#assignment = assignment;\n',
        replace:
          '    this.#assignment = assignment;\n    const kept = ((globalThis as any).kept ??= new WeakMap());\n' +
          '    (this as any).kept = kept;\n' +
          '    for (const [id, one] of kept.get(assignment) ?? []) this.#conversations.set(id, one);\n' +
          '    kept.set(assignment, this.#conversations);\n',
      },
    ],
  },
  {
    name: 'two-records-per-offset',
    rule: 'R3: one record per source offset and target partition',
    patches: [
      {
        file: SLICE,
        find: 'of this.#router.group(recipients)) {',
        replace:
          'of this.#router.group(recipients).flatMap(({ partition, users }) => users.map((user) => ({ partition, users: [user] })))) {',
      },
    ],
  },
  {
    name: 'appends-reordered',
    rule: 'R3: appended in source order',
    patches: [
      {
        file: SLICE,
        find: 'return batches(this.#inbox);',
        replace:
          'return batches(this.#inbox).map(({ partition, records }) => ({ partition, records: [...records].reverse() }));',
      },
    ],
  },
  {
    name: 'flush-before-append',
    rule: 'R4: appends are acknowledged before the conversation rows are written',
    bias: 'crashes',
    patches: [
      { file: FANOUT, find: WRITE_AND_APPEND, replace: `    await this.#flush(this.#dirty);\n${WRITE_AND_APPEND}` },
    ],
  },
  {
    name: 'commit-before-append',
    rule: 'R4: the commit comes last',
    bias: 'crashes',
    patches: [
      {
        file: FANOUT,
        find: WRITE_AND_APPEND,
        replace:
          "    await store.saveCheckpoint('messages', this.#assignment.partition, { offset: this.#next + count, sources: {}, foldVersion: this.#foldVersion });\n" +
          WRITE_AND_APPEND,
      },
    ],
  },
  {
    name: 'timeline-with-flush',
    rule: 'R4: timeline rows are acknowledged before the conversation rows are written',
    bias: 'crashes',
    patches: [
      {
        file: FANOUT,
        find: 'this.#retry(() => store.writeTimeline(outputs.timelineRows, outputs.pastMembers)),',
        replace: '((this as any).unwritten ??= []).push(outputs),',
      },
      {
        file: FANOUT,
        find: '    await this.#retry(() => this.#dependencies.tables.store.flushConversations(rows));\n',
        replace:
          '    const unwritten = ((this as any).unwritten ?? []).splice(0);\n    await Promise.all([\n' +
          '      this.#retry(() => this.#dependencies.tables.store.flushConversations(rows)),\n' +
          '      ...unwritten.map((one: any) => this.#retry(() => this.#dependencies.tables.store.writeTimeline(one.timelineRows, one.pastMembers))),\n    ]);\n',
      },
    ],
  },
  {
    name: 'repeats-not-dropped',
    rule: 'R5: the materializer drops repeats by position',
    bias: 'appends',
    patches: [{ file: FOLD_INBOX, find: 'if (position <= (sources[partition] ?? -1)) return false;', replace: '' }],
  },
  {
    name: 'head-before-rows',
    rule: 'R6: rows first, then the head',
    bias: 'crashes',
    patches: [
      {
        file: INBOX,
        find: '    await this.#retry(() => store.writeInbox(',
        replace:
          '    await this.#retry(() => store.writeHeads([...this.#dirty].map((head) => ({ ...head }))));\n' +
          '    await this.#retry(() => store.writeInbox(',
      },
    ],
  },
  {
    name: 'head-as-of-ignored',
    rule: 'R6: a record at or below head_as_of is in the rows',
    bias: 'crashes',
    patches: [{ file: FOLD_INBOX, find: 'if (inbox.headAsOf >= position) return 0;', replace: '' }],
  },
  {
    name: 'rows-and-head-in-one-batch',
    rule: 'R6: the head is a row of its own',
    bias: 'store',
    patches: [
      { file: STORE, find: 'const BUCKET_ROWS = 4;', replace: 'const BUCKET_ROWS = 1e9;' },
      {
        file: STORE,
        find: 'rows: [[String(row.inboxSeq), { ...row }]],',
        replace:
          "rows: [[String(row.inboxSeq), { ...row }], ['row', { user: row.user, head: row.inboxSeq, headAsOf: row.position, minimumSeq: 1 }]],",
      },
      {
        file: STORE,
        find: "this.#in(TABLES.head(user)));\n    const parts = await this.#replicas.readMany(this.#process, 'store.heads', heads, () => true);",
        replace:
          "TABLES.inbox(user, 0));\n    const parts = await this.#replicas.readMany(this.#process, 'store.heads', heads, (row) => row === 'row');",
      },
      {
        file: 'test/simulation/checker/check-store.ts',
        find: "const rows = this.#rows('inbox', user);",
        replace: "const rows = this.#rows('inbox', user); rows.delete('row');",
      },
    ],
  },
  {
    name: 'wall-clock-stamps',
    rule: 'R7: timestamps come from the log',
    bias: 'double_owners',
    patches: [
      { file: STORE, find: '    return position;\n', replace: '    return this.unstamped() + 0 * position;\n' },
    ],
  },
  {
    name: 'offset-passed-over',
    rule: 'R8: offsets are contiguous',
    bias: 'jumps',
    patches: [
      {
        file: READER,
        find: 'return records.every((record, i) => record.offset === this.#expected + i);',
        replace: 'return records.length > 0;',
      },
    ],
  },
  {
    name: 'window-read-beyond-seq',
    rule: 'Repeats: the window is reloaded up to seq',
    bias: 'crashes',
    patches: [
      {
        file: LOAD,
        find: '  return stateFromRows(row, await loadTail(store, conversationId, row.seq, oldest, breather));',
        replace:
          "  const beyond = await store.readTimeline(conversationId, row.seq + 1, row.seq + 5, 5, 'ascending');\n" +
          '  return stateFromRows(row, [...(await loadTail(store, conversationId, row.seq, oldest, breather)), ...beyond]);',
      },
    ],
  },
  {
    name: 'ids-ahead-not-refused',
    rule: 'Repeats: an id more than a minute ahead is refused',
    bias: 'clocks',
    patches: [{ file: FOLD, find: "if (made > time + foldConstants.id_ahead_ms_max) return 'clock';", replace: '' }],
  },
  {
    name: 'state-read-as-two-tables',
    rule: '4: a conversation’s state is read by one statement',
    bias: 'double_owners',
    patches: [
      {
        file: STORE,
        find: "    const rows = await this.#read('store.conversation', this.#in(TABLES.conversation(conversationId)));\n    const row = rows.get(STATIC)",
        replace:
          "    const first = await this.#read('store.conversation', this.#in(TABLES.conversation(conversationId)), (one) => one === STATIC);\n" +
          "    const rows = await this.#read('store.conversation', this.#in(TABLES.conversation(conversationId)));\n    const row = first.get(STATIC)",
      },
    ],
  },
  {
    name: 'state-read-once',
    rule: 'R2: a state is read until two reads in a row agree',
    bias: 'torn_reads',
    patches: [
      {
        file: LOAD,
        find: 'if (again?.asOf === row?.asOf) return again;',
        replace: 'if (again !== undefined) return row;',
      },
    ],
  },
  {
    name: 'commands-not-deduplicated',
    rule: 'Repeats: every command is decided once',
    bias: 'appends',
    patches: [
      {
        file: FOLD,
        find: '  if (first !== undefined) {',
        replace: "  if (first !== undefined && command.type === 'SendMessage') {",
      },
    ],
  },
  {
    name: 'versions-decide-differently',
    rule: 'R1: a deploy never changes how the fold decides',
    patches: [
      {
        file: FANOUT,
        find: '    const decision = fold(state, command,',
        replace:
          "    if (this.#dependencies.name.endsWith('1') && command.type === 'SendMessage' && command.commandId.endsWith('7')) return null;\n" +
          '    const decision = fold(state, command,',
      },
    ],
  },
  {
    name: 'accepted-before-the-log',
    rule: '2: accepted is a receipt of the log',
    bias: 'resends',
    patches: [
      {
        file: APPENDER,
        find: '    this.#inFlight = commands;\n',
        replace: '    this.#inFlight = commands;\n    for (const command of commands) command.onAccepted();\n',
      },
      {
        file: APPENDER,
        find: 'if (error === null) for (const command of commands) command.onAccepted();',
        replace: 'if (error === null) void 0;',
      },
    ],
  },
  {
    name: 'members-from-the-store',
    rule: '2: members are those of the fold at this offset',
    bias: 'double_owners',
    patches: [
      {
        file: FANOUT,
        find: '        outputs.add(content, decision,',
        replace:
          '        const row = decision.event === null ? null : await store.loadConversation(content.conversationId);\n' +
          '        if (row !== null) Object.assign(decision, { recipients: row.members.map(({ user }) => user) });\n' +
          '        outputs.add(content, decision,',
      },
    ],
  },
  {
    name: 'registered-after-the-pull',
    rule: '2: a session is registered (t3) before its first pull (t4)',
    patches: [
      {
        file: SESSION,
        find: '    await host.ensureRegistered(user);\n',
        replace: '    host.runtime.setTimer(400, () => void host.ensureRegistered(user));\n',
      },
    ],
  },
  {
    name: 'window-lost-on-restart',
    rule: 'Repeats: remembered ids are reloaded from the timeline',
    bias: 'resends',
    patches: [
      {
        file: LOAD,
        find: 'stateFromRows(row, await loadTail(store, conversationId, row.seq, oldest, breather))',
        replace: 'stateFromRows(row, (await loadTail(store, conversationId, row.seq, oldest, breather)).slice(0, 0))',
      },
    ],
  },
  {
    name: 'send-taken-after-a-failed-one',
    rule: 'Producers: everything behind a failed send is refused',
    bias: 'resends',
    patches: [
      {
        file: APPENDER,
        find: 'const behind = this.#removeQueued(senders);',
        replace: 'const behind = senders.size < 0 ? this.#removeQueued(senders) : [];',
      },
      {
        file: SESSION,
        find: '    this.#nextSend = number;\n    this.#refuse(id, refused);',
        replace: '    this.#refuse(id, refused);',
      },
    ],
  },
  {
    name: 'run-outlives-its-tables',
    rule: 'Sets of tables: a run ends when its set is replaced',
    bias: 'switches',
    patches: [{ file: TABLES, find: '    before.controller.abort();\n', replace: '' }],
  },
  {
    name: 'run-on-two-sets',
    rule: 'Sets of tables: a run writes to the set that it began with, and to no other',
    bias: 'switches',
    patches: [
      {
        file: SUPERVISOR,
        find: '    const tables = options.tables.current();\n',
        replace:
          '    const began = options.tables.current();\n' +
          '    const tables = { ...began, get store() { return options.tables.current().store; } };\n',
      },
    ],
  },
  {
    name: 'delivery-of-other-tables-taken',
    rule: 'Sets of tables: a number of another epoch is told as `behind`',
    bias: 'switches',
    patches: [
      {
        file: EDGE,
        find: 'return epoch === null ? tables.number === 0 : epoch === tables.epoch;',
        replace: 'return tables.number >= 0;',
      },
    ],
  },
  {
    name: 'pushed-before-the-pull-of-its-epoch',
    rule: 'Sets of tables: a session is pushed to once its client has pulled in the epoch in force',
    bias: 'switches',
    patches: [
      {
        file: SESSION,
        find: 'if (this.#epoch === epoch) writer.push(this, push, inboxSeq);',
        replace: 'if (epoch > 0) writer.push(this, push, inboxSeq);',
      },
    ],
  },
];
