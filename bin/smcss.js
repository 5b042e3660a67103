#!/usr/bin/env node
require('../dist/commands/smcss.cjs').run();
