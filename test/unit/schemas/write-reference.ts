// Writes the tables of schemas/README.md anew: node --import tsx test/unit/schemas/write-reference.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { readmePath, withTables } from './reference.ts';

writeFileSync(readmePath, withTables(readFileSync(readmePath, 'utf8')));
