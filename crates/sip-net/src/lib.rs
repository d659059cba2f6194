//! SIP's sockets.
