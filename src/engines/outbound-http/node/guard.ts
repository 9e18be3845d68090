import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { MeshError } from "../../../model/errors.ts";
import { ipFromText, isPublicIp } from "../../../model/ip-address.ts";

/** All addresses of a name, in the order to try them. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface GuardOptions {
  /** Addresses that may be called although they are not public. */
  readonly isAllowed: (address: string) => boolean;
  readonly resolve: Resolve;
}

/** Decides what is called. */
export interface Guard {
  /** The URL, if its scheme and, where it names one, its address are called. @throws MeshError */
  target(url: string): URL;
  /** Those of the name's addresses that are called. @throws MeshError permission_denied when it has no other ones */
  addresses(hostname: string): Promise<readonly LookupAddress[]>;
  /** For `net.connect`: what it connects to has been checked, whatever the name meant before or means later. */
  readonly lookup: LookupFunction;
}

export function createGuard({ isAllowed, resolve }: GuardOptions): Guard {
  const isCalled = (address: string): boolean => isPublicIp(address) || isAllowed(address);

  async function addresses(hostname: string): Promise<readonly LookupAddress[]> {
    const all = await resolve(hostname);
    const called = all.filter(({ address }) => isCalled(address));
    if (called.length > 0) return called;
    throw notCalled(hostname);
  }

  return {
    target(text) {
      const url = urlFromText(text);
      const address = ipFromText(hostOf(url));
      // Nothing looks up an address: it has to be checked here.
      if (address !== undefined && !isCalled(address)) throw notCalled(hostOf(url));
      return url;
    },
    addresses,
    lookup(hostname, options, callback) {
      addresses(hostname).then(
        (found) => {
          const wanted = found.filter(({ family }) => !options.family || family === familyOf(options.family));
          const [first] = wanted;
          if (first === undefined) callback(notFound(hostname), "", 0);
          else if (options.all === true) callback(null, [...wanted]);
          else callback(null, first.address, first.family);
        },
        (thrown: Error) => callback(thrown, "", 0),
      );
    },
  };
}

/** The host as a name or an address, without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function urlFromText(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new MeshError("invalid_argument", "that is no http or https URL", {
      hint: "give an absolute URL such as https://agent.example/hook",
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw new MeshError("invalid_argument", "a URL must not hold a user or a password", {
      hint: "give credentials as a header",
    });
  }
  return url;
}

function familyOf(family: number | "IPv4" | "IPv6"): number {
  return family === "IPv4" ? 4 : family === "IPv6" ? 6 : family;
}

function notCalled(host: string): MeshError {
  return new MeshError("permission_denied", `the hub does not call ${host}: its address is not public`, {
    hint: "the operator can allow addresses and networks in MESHKORE_OUTBOUND_ALLOW, such as 10.0.0.0/8",
  });
}

function notFound(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address of ${host}`), { code: "ENOTFOUND" });
}
