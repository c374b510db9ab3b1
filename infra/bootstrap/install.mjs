// Brings node_modules in line with package-lock.json, so that `npm start` works in a fresh clone.
// Runs before anything is installed: nothing here may import outside node:. Speaks on stderr only, because the
// commands that follow print their results on stdout.
import { spawnSync } from 'node:child_process';
import { linkSync, readFileSync, realpathSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NODE_MAJOR_MIN = 20;
// uWebSockets.js comes built for these.
const NODE_MAJOR_MAX = 22;
// An install takes about 15 s; a lock this old was left by something that died with a process id since reused.
const LOCK_AGE_MAX_MS = 10 * 60_000;
const LOCK_POLL_MS = 200;

/** Installs the dependencies if they are missing or differ from package-lock.json. Throws an Error with one line. */
export function install() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN) {
    throw new Error(`Node ${NODE_MAJOR_MIN} or newer is needed; this is ${process.versions.node}`);
  }
  if (major > NODE_MAJOR_MAX) {
    throw new Error(`Node ${NODE_MAJOR_MIN} to ${NODE_MAJOR_MAX} is needed; this is ${process.versions.node}`);
  }
  if (isInstalled()) return;
  const release = acquireLock();
  try {
    // Another process may have done the work while this one waited.
    if (isInstalled()) return;
    console.error('installing dependencies, about 15 s…');
    // Everything, whatever NODE_ENV says: the build and the tests need the development packages too.
    const npm = spawnSync('npm', ['ci', '--loglevel=error', '--include=dev', '--include=optional'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    });
    if (npm.error) throw new Error(`cannot run npm: ${npm.error.message}`);
    if (npm.status !== 0) throw new Error(`npm ci failed (${npm.signal ?? `exit ${npm.status}`}); its reason is above`);
    if (!isInstalled()) throw new Error('npm ci ended well, but node_modules still differs from package-lock.json');
  } finally {
    release();
  }
}

// npm writes what it installed to node_modules/.package-lock.json as its last step. Contents are compared, not
// times: a checkout touches every file. Packages for other platforms are optional and rightly missing.
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  if (wanted === undefined) throw new Error('package-lock.json is missing or is not JSON');
  const installed = readPackages('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue; // the project itself
    const present = installed[path];
    if (present === undefined ? !entry.optional : !isSamePackage(present, entry)) return false;
  }
  // A node_modules copied from another machine carries that machine's binaries.
  return Object.values(installed).every(
    (entry) => allows(entry.os, process.platform) && allows(entry.cpu, process.arch),
  );
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function isSamePackage(a, b) {
  return a.version === b.version && a.integrity === b.integrity;
}

// npm's `os` and `cpu` fields: a list of names, or of names to refuse with a `!` before them.
function allows(list, name) {
  if (list === undefined || list.includes('any')) return true;
  if (list.includes(`!${name}`)) return false;
  return list.includes(name) || list.every((item) => item.startsWith('!'));
}

// Two starts at once must not both run `npm ci`, which begins by deleting node_modules. link() makes the lock appear
// in one step with its owner's process id inside, so a lock left by a killed process is recognised.
function acquireLock() {
  const lock = join(root, '.install-lock');
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    for (let waited = false; ; waited = true) {
      try {
        linkSync(mine, lock);
        return () => removeIfPresent(lock);
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      if (isAbandoned(lock)) {
        removeIfPresent(lock);
        continue;
      }
      if (!waited) console.error('waiting for another process that is installing dependencies…');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
    }
  } finally {
    removeIfPresent(mine);
  }
}

function isAbandoned(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > LOCK_AGE_MAX_MS) return true;
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH'; // EPERM: alive, another user's. ENOENT: released just now; try again.
  }
}

function removeIfPresent(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    install();
  } catch (error) {
    console.error(`fanlog: ${error.message}`);
    process.exit(1);
  }
}
