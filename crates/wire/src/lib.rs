//! The P-Series vocabulary as types, made from contract/.
