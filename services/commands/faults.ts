// npm run faults: kill, stop, cut and slow down real processes under load, and read the ledger.
import { faults } from '../../test/faults/command-line.ts';

process.exitCode = await faults(process.argv.slice(2));
