// A headless Chromium for the browser tests: an installed one if there is one, else the one that npm brought.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const INSTALLED_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

// No sandbox: test machines often run as root or in containers, and only our own page is opened. The rest keeps the
// browser from talking to anyone but the server under test.
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

type Executable = { path: string; env: NodeJS.ProcessEnv };

/** Starts a browser, which the caller closes. Rejects if there is none for this platform. */
export async function launchBrowser(): Promise<Browser> {
  const { path, env } = installedExecutable() ?? (await packagedExecutable());
  return chromium.launch({ executablePath: path, env: definedOnly(env), headless: true, args: FLAGS });
}

function installedExecutable(): Executable | undefined {
  const wished = process.env.CHROME_PATH;
  if (wished !== undefined && wished !== '' && !existsSync(wished)) {
    throw new Error(`CHROME_PATH names no file: ${wished}`);
  }
  const path = wished || INSTALLED_PATHS.find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : { path, env: process.env };
}

// The package unpacks (1.7 s, once) into the folder for temporary files, and takes whatever lies there for whole, even
// what a killed run left half-written. So it unpacks into a folder of its own, which gets its final name when done.
async function packagedExecutable(): Promise<Executable> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('no Chromium or Chrome found: install one, or name it in CHROME_PATH');
  }
  const folder = join(tmpdir(), `fanlog-chromium-${process.getuid?.() ?? 0}-${await packagedVersion()}`);
  if (!existsSync(folder)) await unpackInto(folder);
  // Where the package would point this itself, had it stayed in the folder it unpacked into.
  const libraries = [join(folder, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  const env = { ...process.env, LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: await fontConfiguration(folder) };
  return { path: join(folder, 'chromium'), env };
}

// The package's own configuration names folders of Lambda only. Without any font this Chromium dies at the first input
// element ("SkFontMgr_FontConfigInterface.cpp: Not implemented").
async function fontConfiguration(folder: string): Promise<string> {
  const path = join(folder, 'fonts.conf');
  const folders = [join(folder, 'fonts'), '/usr/share/fonts', '/usr/local/share/fonts'];
  const lines = [...folders.map((font) => `<dir>${font}</dir>`), `<cachedir>${join(folder, 'fonts-cache')}</cachedir>`];
  await writeFile(path, `<?xml version="1.0"?>\n<fontconfig>\n${lines.join('\n')}\n</fontconfig>\n`);
  return path;
}

async function packagedVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const manifest = join(dirname(entry), '..', '..', 'package.json');
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version;
}

async function unpackInto(folder: string): Promise<void> {
  const parent = tmpdir();
  await mkdir(parent, { recursive: true });
  const unpacking = await mkdtemp(`${folder}-`);
  const before = { TMPDIR: process.env.TMPDIR, AWS_EXECUTION_ENV: process.env.AWS_EXECUTION_ENV };
  // Its libraries (NSS and others) are unpacked only where it believes to be in Lambda.
  Object.assign(process.env, { TMPDIR: unpacking, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' });
  try {
    const { default: packaged } = await import('@sparticuz/chromium');
    await packaged.executablePath();
    await rename(unpacking, folder);
  } catch (error) {
    await rm(unpacking, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another process was first
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
