// The one entry: `npm start`, or `node dist/main.js --role edge,fanout,inbox,api`.
import { parseArgs } from 'node:util';
import { argumentMistake } from './kernel/command-line.ts';
import { type Configuration, loadConfiguration, settingsText } from './kernel/configuration.ts';
import { DataFolderError } from './kernel/data-folder.ts';
import { endOnSignals } from './kernel/lifecycle.ts';
import { limits } from './kernel/limits.ts';
import { createLogger } from './kernel/logger.ts';
import { Metrics } from './kernel/metrics.ts';
import { endWithParent } from './kernel/parent-watchdog.ts';
import { withSeldomWarnings } from './kernel/seldom-warnings.ts';
import { systemRuntime } from './kernel/system-runtime.ts';
import { createDemoContent, DEMO_USERS } from './profiles/demo-content.ts';
import { parseRoles, ROLES, type Role, roleText } from './profiles/roles.ts';
import { StartError } from './profiles/start-error.ts';
import { createCluster, type Server, startServer } from './profiles/start-server.ts';

const USAGE = `Usage: npm start [-- --role ROLES] [--create] [--exit-with-parent]

Starts fanlog: every part of it in this process, or those of --role.

  --role ROLES          ${ROLES.join(', ')}, several separated by commas, or all (default); fewer
                        than all need the cluster profile (FANLOG_KAFKA, FANLOG_CASSANDRA, FANLOG_REDIS)
  --create              make keyspace, tables and topics of the cluster profile, check them, and end
  --exit-with-parent    go down when standard input is closed
  --help                print this

Settings are environment variables:

${settingsText()}`;

interface Arguments {
  readonly roles: ReadonlySet<Role>;
  readonly create: boolean;
  readonly exitWithParent: boolean;
}

async function main(): Promise<void> {
  const started = readArguments();
  if (started === null) return;
  const loaded = loadConfiguration(process.env);
  if ('errors' in loaded) return fail(loaded.errors);
  const { configuration } = loaded;
  const { roles } = started;
  if (configuration.cluster === null && roles.size < ROLES.length) return fail([needsCluster(roles)]);
  const runtime = systemRuntime;
  const which = { role: roleText(roles), pid: process.pid };
  const all = createLogger(configuration.logLevel, () => runtime.now(), undefined, which);
  const logger = withSeldomWarnings(all, () => runtime.monotonic());
  let server: Server | null = null;
  endOnSignals({
    process,
    runtime,
    logger,
    drain_ms: limits.drain_ms,
    steps: [
      { name: 'drain', run: async () => server?.drain() },
      { name: 'stop', run: async () => server?.stop() },
    ],
  });
  if (started.exitWithParent) endWithParent(process.stdin, () => process.kill(process.pid, 'SIGTERM'));
  try {
    if (started.create) {
      await createCluster(configuration, { runtime, logger, metrics: new Metrics() });
      process.exit(0);
    }
    const onStale = (why: string) => {
      logger.error('this process is out of date, and ends', { why });
      process.kill(process.pid, 'SIGTERM');
    };
    server = await startServer(configuration, { runtime, logger, roles, onStale });
    // Roles of a cluster wait for each other, in whatever order they are started.
    await server.whenReady(configuration.cluster === null ? undefined : Number.POSITIVE_INFINITY);
    if (configuration.demo && server.gateway !== null) {
      await createDemoContent({ store: server.store, gateway: server.gateway, runtime });
    }
    process.stdout.write(startScreen(configuration, server));
  } catch (error) {
    await server?.stop().catch(() => {});
    fail([error instanceof Error ? error.message : String(error)], isForPeople(error) ? undefined : error);
  }
}

/** null: there is nothing to start. */
function readArguments(): Arguments | null {
  try {
    const { values } = parseArgs({
      options: {
        role: { type: 'string', default: 'all' },
        create: { type: 'boolean', default: false },
        'exit-with-parent': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(`${USAGE}\n`);
      return null;
    }
    const roles = parseRoles(values.role);
    if (!('wrong' in roles)) return { roles, create: values.create, exitWithParent: values['exit-with-parent'] };
    fail([roles.wrong]);
  } catch (error) {
    fail([`${argumentMistake(error)}. See npm start -- --help.`]);
  }
  return null;
}

function needsCluster(roles: ReadonlySet<Role>): string {
  return (
    `--role ${[...roles].join(',')}: the embedded profile runs all roles in one process. Leave it out, or set ` +
    'FANLOG_KAFKA, FANLOG_CASSANDRA and FANLOG_REDIS for the cluster profile.'
  );
}

function startScreen(configuration: Configuration, server: Server): string {
  const { apiUrl, edgeUrl, roles } = server;
  const { cluster } = configuration;
  const who = roles.size === ROLES.length ? 'fanlog is' : `fanlog ${[...roles].join(', ')} is`;
  const lines = ['', `${who} ready.`];
  if (apiUrl !== null) lines.push(`  page      ${apiUrl}`);
  if (edgeUrl !== null && apiUrl === null) lines.push(`  sockets   ${edgeUrl}`);
  if (cluster === null) lines.push(`  data      ${configuration.data}`);
  else lines.push(`  data      Kafka ${cluster.kafka.join(', ')}; Cassandra keyspace ${cluster.keyspace}`);
  if (apiUrl !== null && configuration.demo) {
    const people = DEMO_USERS.map(({ user, password }) => `${user} / ${password}`).join('   ');
    lines.push(`  sign in   ${people}`);
    lines.push('  next      open the page in two windows, sign in as each of them, and write in Welcome');
  } else if (apiUrl !== null) {
    lines.push(`  next      make an account: POST ${apiUrl}/v1/accounts {"user", "password"}`);
  }
  return `${lines.join('\n')}\n\n`;
}

function isForPeople(error: unknown): boolean {
  return error instanceof StartError || error instanceof DataFolderError;
}

/** One line per mistake. `unexpected`: its stack is for whoever turns debugging on. */
function fail(lines: readonly string[], unexpected?: unknown): void {
  for (const line of lines) process.stderr.write(`fanlog: ${line.replaceAll('\n', ' ')}\n`);
  if (unexpected instanceof Error && process.env.FANLOG_LOG_LEVEL === 'debug') {
    process.stderr.write(`${unexpected.stack}\n`);
  }
  process.exit(1);
}

await main();
