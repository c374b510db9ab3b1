// The door of this folder: a cluster on this machine, for tests, the import, the bench and `npm run cluster`.
export type { Cluster, ClusterOptions, RoleStatus, ServerAddresses, ServerStatus } from './cluster.ts';
export { ClusterError } from './cluster-error.ts';
export { type ClusterEvent, eventLine } from './cluster-event.ts';
export { ROLES_DEFAULT, startCluster } from './start-cluster.ts';
export type { ProcessState } from './supervised-process.ts';
