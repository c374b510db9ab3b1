// Stands for dist/main.js where only its life counts: it answers /readyz, drains on SIGTERM, ends with its parent.
//
// FIXTURE_FOLDER holds what should go wrong, a file each: <role>.broken it does not start; <role>.deaf it hears neither
// SIGTERM nor its parent's end. What it was started with goes to <role>.<port of operations>.json.
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { FIXTURE_FOLDER: folder, FANLOG_OPERATIONS_PORT: port } = process.env;
const role = process.argv.includes('--create') ? 'create' : process.argv[process.argv.indexOf('--role') + 1];
const has = (what) => existsSync(join(folder, `${role}.${what}`));

if (has('broken')) {
  console.error(`fanlog: ${role} is broken on purpose. Mend it.`);
  process.exit(1);
}
if (role === 'create') process.exit(0);

const end = () => {
  if (!has('deaf')) process.exit(0);
};
process.on('SIGTERM', end);
process.stdin.on('end', end).on('error', end).resume();
writeFileSync(join(folder, `${role}.${port}.json`), JSON.stringify(process.env));
createServer((_, response) => response.end()).listen(Number(port), '127.0.0.1');
