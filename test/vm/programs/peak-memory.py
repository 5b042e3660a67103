#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command with its output thrown away and prints its peak resident memory in KiB."""
import resource
import subprocess
import sys

subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
