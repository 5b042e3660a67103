#!/usr/bin/env node
require('../dist/commands/load.cjs').start('smc_dbg');
