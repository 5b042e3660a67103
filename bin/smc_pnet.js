#!/usr/bin/env node
require('../dist/commands/smc_pnet.cjs').run();
