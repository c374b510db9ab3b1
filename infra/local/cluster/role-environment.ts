// What every role of a cluster is told: where the servers are, what is ours on them, the secret, the edges.
export type RoleEnvironment = {
  readonly kafka: string;
  readonly cassandra: string;
  readonly dataCenter: string;
  readonly redis: string;
  readonly keyspace: string;
  /** Before the names of topics and Redis keys; empty: none. */
  readonly prefix: string;
  readonly secret: string;
  readonly edgeUrls: readonly string[];
};

// For whoever starts servers or tests; fanlog refuses settings that it does not know.
const NOT_SETTINGS = /^FANLOG_(TEST_|(KEEP|SHORT_LIVED)_SERVERS$)/;

/** `env` with the cluster's own settings over it; addresses of edges that someone has set (a proxy's) stay. */
export function roleEnvironment(env: NodeJS.ProcessEnv, cluster: RoleEnvironment): NodeJS.ProcessEnv {
  const inherited = Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_SETTINGS.test(name)));
  return {
    ...inherited,
    FANLOG_KAFKA: cluster.kafka,
    FANLOG_CASSANDRA: cluster.cassandra,
    FANLOG_CASSANDRA_DC: cluster.dataCenter,
    FANLOG_REDIS: cluster.redis,
    FANLOG_KEYSPACE: cluster.keyspace,
    FANLOG_PREFIX: cluster.prefix,
    FANLOG_SECRET: cluster.secret,
    FANLOG_EDGE_URLS: env.FANLOG_EDGE_URLS?.trim() || cluster.edgeUrls.join(','),
  };
}
