//! A typed async client for any P-Series PBX.
