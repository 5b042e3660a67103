import type { Guest } from './guest.ts';

/**
 * Gives a guest an RDMA device in software (soft-RoCE) on a network device, so that SMC-R has a device.
 * For a connection to become SMC-R, both ends also need a common enterprise ID (UEID), because soft-RoCE
 * has no addresses that SMC-R version 1 can use.
 *
 * @param device network device in the initial namespace: `lo`, or `eth0` in a guest with a cable
 * @returns name of the RDMA device: `rxelo` for `lo`
 */
export async function setUpSmcR(guest: Guest, device = 'lo'): Promise<string> {
  const name = `rxe${device}`;
  await guest.run(`rdma link add ${name} type rxe netdev ${device}`, { check: true, cwd: '/' });
  return name;
}
