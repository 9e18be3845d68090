import { openUwsListener } from "../../../src/listeners/uws/open-uws-listener.ts";
import { describeListener } from "../../suites/listener/listener.suite.ts";
import { describeTls } from "../../suites/listener/tls.suite.ts";
import { createTrusted, withTls } from "./tls-fixture.ts";

describeListener("uws with TLS", withTls(openUwsListener, await createTrusted("suite")));
describeTls("uws", openUwsListener);
