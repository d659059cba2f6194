//! A worker in virtual time, with sockets that are queues.

mod bench;
mod relay;
mod reports;
mod sources;
