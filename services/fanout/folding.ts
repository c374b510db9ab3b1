// The second door of this stage: the fold without the processor around it, for rebuilding state from the log.
export { type ConversationState, staticRowOf, unbornConversation } from './conversation-state.ts';
export { FIRST_FOLD_VERSION, foldOfVersion } from './fold-versions.ts';
export { loadConversation } from './load-conversation.ts';
