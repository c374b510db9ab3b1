// The one door of this folder: what edge and api read.
export {
  CONVERSATIONS_PAGE_MAX,
  type ConversationSummary,
  type ConversationsPage,
  readConversation,
  readConversations,
  readMembers,
} from './read-conversations.ts';
export { type HistoryPage, type HistoryRange, readHistory } from './read-history.ts';
export { exactHead, type InboxPage, type PulledEntry, pullInbox } from './read-inbox.ts';
