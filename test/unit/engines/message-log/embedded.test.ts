import { messageLogSuite } from "../../../suites/message-log/message-log.suite.ts";
import { embeddedSubject } from "./embedded-subject.ts";

messageLogSuite(embeddedSubject("power"));
messageLogSuite(embeddedSubject("process"));
