//! The door of the P-Series OpenAPI: HTTP, WebSocket, tokens, operations.
