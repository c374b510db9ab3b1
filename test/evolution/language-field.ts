// The change of schema that the evolution tests make: a message gets a language. Written as edits of today's sources and
// schemas, so that what is tested is the procedure of schemas/README.md on the code that stands here, today and later.
//
//   release A   reads language everywhere; its edges and apis leave it out; its fold can carry it, from FoldVersion 2 on
//   release B   release A, and its edges and apis fill it in
import type { Patch } from '../simulation/runner/bundle.ts';
import type { AddedField } from './next-schemas.ts';

export const FIELD = 'language';
/** What release B says about every message. */
export const LANGUAGE = 'en';
/** Whose fold carries the field from the command into the event. */
export const FOLD_VERSION = 2;

const field = { name: FIELD, type: ['null', 'string'], default: null, doc: 'BCP 47, where the sender says it.' };
export const ADDED_FIELDS: readonly AddedField[] = [
  { record: 'SendMessage', field },
  { record: 'MessageSent', field },
];

const CODEC = 'services/events/codec.ts';
const FOLDS = 'services/fanout/fold-versions.ts';

/** In four places of the codec the field goes with the last one before the payload. */
const CODED: readonly Patch[] = [
  {
    file: CODEC,
    find: 'const { conversationId, sender, commandId, origin, contentType, keyId, payload } = record;',
    replace: 'const { conversationId, sender, commandId, origin, contentType, keyId, language, payload } = record;',
  },
  { file: CODEC, find: written('origin'), replace: written('origin', '    language,\n') },
  { file: CODEC, find: read('origin'), replace: read('origin', '        language: f.language,\n') },
  {
    file: CODEC,
    find: 'sender, commandId, time, position, contentType, keyId, payload } = event;',
    replace: 'sender, commandId, time, position, contentType, keyId, language, payload } = event;',
  },
  { file: CODEC, find: written('position'), replace: written('position', '    language,\n') },
  { file: CODEC, find: read('position'), replace: read('position', '        language: f.language,\n') },
];

function written(before: string, added = ''): string {
  return `    ${before},\n    contentType,\n    keyId,\n${added}    payload: asBuffer(payload),`;
}

function read(before: string, added = ''): string {
  return (
    `        ${before}: f.${before},\n        contentType: f.contentType,\n` +
    `        keyId: f.keyId,\n${added}        payload: f.payload,`
  );
}

const TYPED: readonly Patch[] = ['commands', 'timeline-events'].map((name) => ({
  file: `services/events/${name}.ts`,
  find: 'readonly keyId: string | null;',
  replace: 'readonly keyId: string | null;\n  readonly language?: string | null;',
}));

/** The fold of version 1 decides what it always did. */
const FOLDED: readonly Patch[] = [
  {
    file: FOLDS,
    find: '[[FIRST_FOLD_VERSION, step]]',
    replace: `[[FIRST_FOLD_VERSION, step], [${FOLD_VERSION}, carry]]`,
  },
  {
    file: FOLDS,
    find: '/** In force where',
    replace: `const carry: typeof step = (state, command, taken) => {
  const decision = step(state, command, taken);
  if (command.type !== 'SendMessage' || decision.event?.type !== 'MessageSent') return decision;
  return { ...decision, event: { ...decision.event, language: command.language ?? null } };
};

/** In force where`,
  },
];

/** Whoever makes a command says the language. */
const FILLED: readonly Patch[] = [
  {
    file: 'services/edge/pending-send.ts',
    find: '    keyId: null,\n',
    replace: `    keyId: null,\n    language: '${LANGUAGE}',\n`,
  },
  {
    file: 'services/api/routes-conversations.ts',
    find: '        keyId: null,\n',
    replace: `        keyId: null,\n        language: '${LANGUAGE}',\n`,
  },
];

export const RELEASE_A: readonly Patch[] = [...TYPED, ...CODED, ...FOLDED];
export const RELEASE_B: readonly Patch[] = [...RELEASE_A, ...FILLED];
