// SPDX-License-Identifier: MIT
/** Tests with another outcome under smc_run, with that outcome. docs/compatibility.md explains the causes. */
export const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  'net: reset: resetAndDestroy is ECONNRESET at the peer': 'fail',
  'test.test_socket.CreateServerTest.test_reuse_port': 'error',
  'test.test_socket.NetworkConnectionBehaviourTest.testOutsideTimeout': 'error',
  'test.test_ssl.TestPreHandshakeClose.test_preauth_data_to_tls_client': 'fail',
  'test.test_ssl.TestPreHandshakeClose.test_preauth_data_to_tls_server': 'fail',
  'test.test_asyncio.test_sock_lowlevel.EPollEventLoopTests.test_sock_client_connect_racing': 'skip',
  'test.test_asyncio.test_sock_lowlevel.PollEventLoopTests.test_sock_client_connect_racing': 'skip',
  'test.test_asyncio.test_sock_lowlevel.SelectEventLoopTests.test_sock_client_connect_racing': 'skip',
  'test.test_asyncio.test_events.EPollEventLoopTests.test_create_server_reuse_port': 'error',
  'test.test_asyncio.test_events.PollEventLoopTests.test_create_server_reuse_port': 'error',
  'test.test_asyncio.test_events.SelectEventLoopTests.test_create_server_reuse_port': 'error',
};

/**
 * Tests that differ only if one side closes before the other writes, which the machine decides: TCP accepts that write.
 * With the outcome that they then have.
 */
export const RACES: Readonly<Record<string, string>> = {
  'test.test_socket.BufferIOTest.testRecvFromIntoSmallBuffer': 'error',
  'test.test_socket.BufferIOTest.testRecvFromIntoEmptyBuffer': 'error',
};
