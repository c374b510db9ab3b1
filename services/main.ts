// The one entry: `npm start`, or `node dist/main.js --role all`.
import { parseArgs } from 'node:util';
import { argumentMistake } from './kernel/command-line.ts';
import { type Configuration, loadConfiguration, settingsText } from './kernel/configuration.ts';
import { DataFolderError } from './kernel/data-folder.ts';
import { endOnSignals } from './kernel/lifecycle.ts';
import { limits } from './kernel/limits.ts';
import { createLogger } from './kernel/logger.ts';
import { endWithParent } from './kernel/parent-watchdog.ts';
import { systemRuntime } from './kernel/system-runtime.ts';
import { createDemoContent, DEMO_USERS } from './profiles/demo-content.ts';
import { type EmbeddedServer, startEmbedded } from './profiles/embedded.ts';
import { StartError } from './profiles/start-error.ts';

const USAGE = `Usage: npm start [-- --role all] [--exit-with-parent]

Starts every part of fanlog in this process.

  --role all            what this process runs; the only value in this version
  --exit-with-parent    go down when standard input is closed
  --help                print this

Settings are environment variables:

${settingsText()}`;

async function main(): Promise<void> {
  const started = readArguments();
  if (started === null) return;
  const loaded = loadConfiguration(process.env);
  if ('errors' in loaded) return fail(loaded.errors);
  const { configuration } = loaded;
  const runtime = systemRuntime;
  const logger = createLogger(configuration.logLevel, () => runtime.now());
  let server: EmbeddedServer | null = null;
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
    server = await startEmbedded(configuration, { runtime, logger });
    await server.whenReady();
    if (configuration.demo) await createDemoContent(server);
    process.stdout.write(startScreen(configuration, server));
  } catch (error) {
    await server?.stop().catch(() => {});
    fail([error instanceof Error ? error.message : String(error)], isForPeople(error) ? undefined : error);
  }
}

/** null: there is nothing to start. */
function readArguments(): { readonly exitWithParent: boolean } | null {
  try {
    const { values } = parseArgs({
      options: {
        role: { type: 'string', default: 'all' },
        'exit-with-parent': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) process.stdout.write(`${USAGE}\n`);
    else if (values.role === 'all') return { exitWithParent: values['exit-with-parent'] };
    else fail([`--role ${values.role}: this version runs all roles in one process. Use --role all, or leave it out.`]);
  } catch (error) {
    fail([`${argumentMistake(error)}. See npm start -- --help.`]);
  }
  return null;
}

function startScreen(configuration: Configuration, server: EmbeddedServer): string {
  const people = DEMO_USERS.map(({ user, password }) => `${user} / ${password}`).join('   ');
  const lines = ['', 'fanlog is ready.', `  page      ${server.apiUrl}`, `  data      ${configuration.data}`];
  if (configuration.demo) {
    lines.push(`  sign in   ${people}`);
    lines.push('  next      open the page in two windows, sign in as each of them, and write in Welcome');
  } else {
    lines.push(`  next      make an account: POST ${server.apiUrl}/v1/accounts {"user", "password"}`);
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
