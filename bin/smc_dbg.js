#!/usr/bin/env node
require('./start.js').start('smc_dbg');
