//! A SIP phone without a person: for the demo, tests and the sandbox.
