// npm run simulate: seeded schedules with every fault, over the real stages, sessions and clients.
import { simulate } from '../../test/simulation/runner/command-line.ts';

process.exitCode = await simulate(process.argv.slice(2));
