// SPDX-License-Identifier: MIT
import t from 'tap';
import { traceFormat } from '../../src/host/trace-format.ts';
import { FORMATS } from '../helpers/recorded-trace.ts';

const read = (format: string, text: string): object | undefined => {
  const found = traceFormat(format)(text);
  return found && Object.fromEntries(found);
};

t.test('the tracepoints of a kernel', async (t) => {
  t.strictSame(
    read(
      FORMATS.smc_switch_to_fallback,
      'sk=000000000db45cca clcsk=00000000a5621189 net=18446744073709551615 fallback_rsn=-5',
    ),
    {
      sk: '000000000db45cca',
      clcsk: '00000000a5621189',
      net_cookie: '18446744073709551615',
      fallback_rsn: '-5',
    },
  );
  t.strictSame(
    read(
      FORMATS.smcr_link_down,
      'lnk=(____ptrval____) lgr=00000000da471d93 net=1 state=1 dev=a dev=b location=f+0xb1/0x300 [smc]',
    ),
    {
      lnk: '(____ptrval____)',
      lgr: '00000000da471d93',
      net_cookie: '1',
      state: '1',
      name: 'a dev=b',
      location: 'f+0xb1/0x300 [smc]',
    },
  );
  t.equal(read(FORMATS.smc_switch_to_fallback, 'something else'), undefined);
});

t.test('names and order come from the format', async (t) => {
  const format = (text: string): string => `name: x\n\nprint fmt: ${text}\n`;
  t.strictSame(
    read(
      format('"reason=%#x (%5.2d%%) [%s]", REC->fallback_rsn, REC->b, __get_str(c)'),
      'reason=0x3000000 (07%) [w]',
    ),
    {
      fallback_rsn: '0x3000000',
      b: '07',
      c: 'w',
    },
  );
  t.strictSame(read(format('"%08x", REC->fallback_rsn'), '03030000'), { fallback_rsn: '0x03030000' });
  t.strictSame(
    read(format('"%s %d", __print_symbolic(REC->state, {1, "a, b"}, {2, "c"}), REC->net_cookie'), 'a, b 7'),
    { state: 'a, b', net_cookie: '7' },
  );
  t.throws(() => traceFormat('name: x\n'), /no print format/);
});
