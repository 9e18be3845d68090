import { openNodeListener } from "../../../src/listeners/node/open-node-listener.ts";
import { describeListener } from "../../suites/listener/listener.suite.ts";
import { describeTls } from "../../suites/listener/tls.suite.ts";
import { createTrusted, withTls } from "./tls-fixture.ts";

describeListener("node with TLS", withTls(openNodeListener, await createTrusted("suite")));
describeTls("node", openNodeListener);
