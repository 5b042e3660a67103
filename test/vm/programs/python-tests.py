# SPDX-License-Identifier: MIT
"""Runs tests of CPython's own test suite, one result a line: {"id": …, "outcome": …, "detail": …}.

python-tests.py [PREFIX...] -- NAME...    PREFIX, such as smc_run, goes before the Python that runs the tests

A test that does not end within LIMIT seconds is a "timeout": its process is killed, and the tests behind it run in a
new one. Outcomes: ok, skip, fail, error, timeout, crash.
"""
import json
import os
import select
import signal
import subprocess
import sys
import unittest

# limit for a test that hangs; on an idle machine, no test takes a minute
LIMIT = 600


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def child():
    """Reads names of modules and of tests that are to be left out from stdin; runs class by class."""
    from test import support

    names, done = json.load(sys.stdin)
    # how long the tests wait for expected events; the default is too short for an emulated guest on a busy machine
    for bound in ("LOOPBACK_TIMEOUT", "SHORT_TIMEOUT", "LONG_TIMEOUT"):
        setattr(support, bound, LIMIT)
    # this module requires the resource 'network', but uses only the loopback device
    support.use_resources = ["network"] if names == ["test.test_socketserver"] else []
    done = set(done)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    # the output of the tests is not needed
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    if not os.environ.get("PYTHON_TESTS_NOISE"):
        os.dup2(null, 2)

    class Result(unittest.TestResult):
        def __init__(self):
            super().__init__()
            self.current = None

        def tell(self, **line):
            out.write(json.dumps(line) + "\n")

        def startTest(self, test):
            super().startTest(test)
            self.current, self.outcome, self.detail = test.id(), "ok", ""
            self.tell(begin=test.id())

        def note(self, test, outcome, detail):
            # if setUpClass fails, no test starts
            if self.current is None:
                self.tell(id=test.id(), outcome=outcome, detail=detail)
            elif self.outcome in ("ok", "skip"):
                self.outcome, self.detail = outcome, detail

        def addError(self, test, error):
            self.note(test, "error", f"{error[0].__name__}: {error[1]}")

        def addFailure(self, test, error):
            self.note(test, "fail", f"{error[0].__name__}: {error[1]}")

        def addSkip(self, test, reason):
            self.note(test, "skip", reason)

        def addSubTest(self, test, subtest, error):
            if error:
                self.note(test, "fail", f"{error[0].__name__}: {error[1]}")

        def addExpectedFailure(self, test, error):
            pass

        def addUnexpectedSuccess(self, test):
            self.note(test, "fail", "unexpected success")

        def stopTest(self, test):
            self.tell(id=self.current, outcome=self.outcome, detail=self.detail.split("\n")[0][:160])
            self.current = None

    # keep the classes in the suite, so that class fixtures work as usual, but leave out the tests that are done
    tests = [test for test in flatten(unittest.defaultTestLoader.loadTestsFromNames(names)) if test.id() not in done]
    unittest.TestSuite(tests).run(Result())
    out.write(json.dumps({"end": True}) + "\n")
    out.close()
    # do not wait for threads that tests have left behind
    os._exit(0)


def parent(prefix, names):
    done = []
    while True:
        process = subprocess.Popen(
            [*prefix, sys.executable, __file__, "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        process.stdin.write(json.dumps([names, done]).encode())
        process.stdin.close()
        current, ended, pending = None, False, b""
        outcome = "crash"
        while not ended:
            ready, _, _ = select.select([process.stdout], [], [], LIMIT)
            if not ready:
                outcome = "timeout"
                break
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                break
            pending += data
            *lines, pending = pending.split(b"\n")
            for line in map(json.loads, lines):
                if "begin" in line:
                    current = line["begin"]
                elif "end" in line:
                    ended = True
                else:
                    done.append(line["id"])
                    current = None
                    print(json.dumps(line), flush=True)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if ended or current is None:
            return 0 if ended else 1
        done.append(current)
        print(json.dumps({"id": current, "outcome": outcome, "detail": f"{LIMIT} s"}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--child"]:
        child()
    else:
        at = sys.argv.index("--")
        sys.exit(parent(sys.argv[1:at], sys.argv[at + 1 :]))
