// The server under load: processes with data of their own on a real disk, ended by their ids, their data deleted.
import type { Role } from '../services/profiles/roles.ts';
import { startClusterServer } from './cluster-server.ts';
import { startEmbeddedServer } from './embedded-server.ts';
import type { Target } from './scenarios/scenario.ts';

export const PROFILES = ['embedded', 'cluster'] as const;
export type Profile = (typeof PROFILES)[number];

export interface ServerSettings {
  readonly profile: Profile;
  /** How many processes of each role; of the cluster. */
  readonly roles: Readonly<Record<Role, number>>;
  /** Of Node, for every process of ours: for profiling it. */
  readonly nodeArguments: readonly string[];
  /** With Node's inspector in every process of ours: for asking about its memory. */
  readonly inspected: boolean;
  readonly progress: (line: string) => void;
}

export interface ServerUnderLoad {
  readonly target: Target;
  /** `2 edges, 1 api, …`; in the embedded profile one process is all. */
  readonly processes: string;
  /** What `accepted` stands for. */
  readonly durability: string;
  readonly filesystem: string;
  stop(): Promise<void>;
}

/** @throws Error when it does not start; then nothing is left running. */
export function startServer(settings: ServerSettings): Promise<ServerUnderLoad> {
  return settings.profile === 'cluster' ? startClusterServer(settings) : startEmbeddedServer(settings);
}
