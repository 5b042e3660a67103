#!/usr/bin/env node
require('../dist/commands/smcr.cjs').run();
