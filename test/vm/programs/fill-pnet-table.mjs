// SPDX-License-Identifier: MIT
// Puts interfaces many0, many1, … into the PNET table through the library. Argument: how many.
import { SmcClient } from '../../../dist/index.js';

const client = new SmcClient();
for (let i = 0; i < Number(process.argv[2]); i++)
  await client.pnet.add({ pnetId: `NET${i + 1}`, ethName: `many${i}` });
client.close();
