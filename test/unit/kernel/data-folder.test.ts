import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DataFolderError, openDataFolder } from '../../../services/kernel/data-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'fanlog-folder-'));
after(() => rmSync(root, { recursive: true, force: true }));

function refused(path: string, pattern: RegExp): void {
  assert.throws(
    () => openDataFolder(path),
    (error) => error instanceof DataFolderError && error.code === 'unusable' && pattern.test(error.message),
  );
}

test('a folder is made with all the folders above it', () => {
  const path = join(root, 'a/b/c');
  openDataFolder(path).close();
  assert.ok(existsSync(path));
  openDataFolder(path).close();
});

// mkdirSync(…, {recursive: true}) of Node 20 never returns here.
test('a place that takes no folders is an error that names it', { skip: !existsSync('/proc/self') }, () => {
  refused('/proc/x', /\/proc\/x cannot be used: no folder can be made in \/proc \(ENOENT\)/);
  refused('/proc/x/y', /no folder can be made in \/proc \(ENOENT\)/);
});

test('a file in the way is an error', () => {
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'd/file'), '');
  refused(join(root, 'd/file'), /ENOTDIR/);
  refused(join(root, 'd/file/e'), /no folder can be made in .*file \(ENOTDIR\)/);
});
