// What every npm script needs first: dependencies, then the bundle. Prints nothing when there is nothing to do.
import { install } from './install.mjs';

try {
  install();
} catch (error) {
  console.error(`fanlog: ${error.message}`);
  process.exit(1);
}

// Loaded only now: it imports esbuild, which install() may just have brought.
const { build } = await import('./build.mjs');
try {
  await build();
} catch (error) {
  if (error.errors === undefined) console.error(error);
  console.error('fanlog: the build failed');
  process.exit(1);
}
