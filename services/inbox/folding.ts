// The second door of this stage: the fold without the processor around it, for rebuilding state from the log.
export { type InboxHead, inboxHeadFrom, type Sources, takeInboxSeq, takeSource } from './fold-inbox.ts';
