#!/usr/bin/env node
require('../dist/commands/smcd.cjs').run();
