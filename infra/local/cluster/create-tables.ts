// Makes keyspace, tables and topics, once and before the roles, so that they do not race for it.
import { writeFileSync } from 'node:fs';
import { runProgram } from '../run-program.ts';
import { notStarted } from './cluster-error.ts';

/** Waiting for servers included, one minute at most of each. */
const CREATE_MS_MAX = 180_000;

/** What it says goes to the file `log`. @throws ClusterError */
export async function createTables(mainFile: string, environment: NodeJS.ProcessEnv, log: string): Promise<void> {
  const env = { ...environment, PORT: '0' };
  const { code, output } = await runProgram(process.execPath, [mainFile, '--create'], env, CREATE_MS_MAX);
  writeFileSync(log, output);
  if (code !== 0) throw notStarted('Making tables and topics', log);
}
