import { execFileSync } from "node:child_process";

/** A machine on a network of its own: what follows is a command that runs there. */
type On = readonly string[];

/**
 * Three machines in namespaces of the kernel: this one, the hub's and the clients'. The clients' wire can be cut: from
 * then on nothing that either side sends arrives, and neither is told.
 */
export interface CutNetwork extends Disposable {
  /** Where the hub is to listen; this machine and the clients reach it there. */
  readonly hubAddress: string;
  readonly clientsAddress: string;
  readonly onHub: On;
  readonly onClients: On;
  cut(): void;
  /** From now on the hub's kernel gives up what is not acknowledged after a few tries. */
  shortenPatience(): void;
}

/** How often a kernel without patience sends again before it gives a connection up; by itself 15 times, some 15 min. */
const FEW_RETRIES = 3;

/**
 * @param number of the network, so that several tests can have one at a time
 * @returns undefined where this user may not make one
 */
export function openCutNetwork(number: number): CutNetwork | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined;
  const tag = `${process.pid}x${number}`;
  const [hub, clients] = [`mkh${tag}`, `mkc${tag}`];
  const at = (second: number, host: number) => `198.${second}.${process.pid % 256}.${number * 4 + host}`;
  const onHub: On = ["ip", "netns", "exec", hub];
  const onClients: On = ["ip", "netns", "exec", clients];
  const here = `mkd${number}x${process.pid}`.slice(0, 15);
  const dispose = (): void => {
    // By itself it would stay as long as the kernel says goodbye to nobody.
    run(["sh", "-c", `ip link del ${here} 2>/dev/null || true`]);
    for (const name of [hub, clients]) run(["ip", "netns", "del", name]);
  };
  try {
    for (const name of [hub, clients]) run(["ip", "netns", "add", name]);
    run(["ip", "link", "add", here, "type", "veth", "peer", "name", "driver", "netns", hub]);
    run(["ip", "-n", hub, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", clients]);
    run(["ip", "addr", "add", `${at(18, 1)}/30`, "dev", here]);
    run(["ip", "-n", hub, "addr", "add", `${at(18, 2)}/30`, "dev", "driver"]);
    run(["ip", "-n", hub, "addr", "add", `${at(19, 1)}/30`, "dev", "wire"]);
    run(["ip", "-n", clients, "addr", "add", `${at(19, 2)}/30`, "dev", "wire"]);
    run(["ip", "link", "set", here, "up"]);
    for (const name of ["driver", "wire", "lo"]) run(["ip", "-n", hub, "link", "set", name, "up"]);
    for (const name of ["wire", "lo"]) run(["ip", "-n", clients, "link", "set", name, "up"]);
    run(["ip", "-n", clients, "route", "add", "default", "via", at(19, 1)]);
  } catch {
    dispose();
    return undefined;
  }
  return {
    hubAddress: at(18, 2),
    clientsAddress: at(19, 2),
    onHub,
    onClients,
    cut() {
      // The clients' machine does not know its own address any more: it takes nothing, and can send nothing. The hub's
      // side of the wire stays as it is.
      run(["ip", "-n", clients, "addr", "flush", "dev", "wire"]);
    },
    shortenPatience() {
      run([...onHub, "sh", "-c", `echo ${FEW_RETRIES} > /proc/sys/net/ipv4/tcp_retries2`]);
    },
    [Symbol.dispose]: dispose,
  };
}

function run([command = "", ...args]: readonly string[]): void {
  execFileSync(command, args, { stdio: "pipe" });
}
