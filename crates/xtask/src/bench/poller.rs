//! Waits for sockets with a clock finer than a millisecond: `epoll_pwait2`
//! takes nanoseconds and a timer of the kernel's high-resolution kind wakes
//! us. (`SO_RCVTIMEO` and SIPp's scheduler step by 1 to 4 ms.)

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use super::error::{BenchError, Tried as _};

/// How many ready sockets one wait tells at most.
const READY_MAX: usize = 256;

/// An epoll set whose members are known by a number.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poller {
    /// An empty set.
    pub fn new() -> Result<Self, BenchError> {
        let epoll =
            epoll::create(epoll::CreateFlags::CLOEXEC).tried(|| "epoll_create".to_owned())?;
        Ok(Self {
            epoll,
            events: Vec::with_capacity(READY_MAX),
        })
    }

    /// Adds a socket under a number.
    pub fn add(&self, socket: impl AsFd, number: usize) -> Result<(), BenchError> {
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN)
            .tried(|| "epoll_ctl".to_owned())
    }

    /// Waits until a socket can be read or `until` is reached, and puts the
    /// ready sockets' numbers in `ready`.
    pub fn wait(&mut self, until: Instant, ready: &mut Vec<usize>) -> Result<(), BenchError> {
        let left = until.saturating_duration_since(Instant::now());
        self.wait_for(Some(&timespec(left)), ready)
    }

    /// Waits until a socket can be read, without a timer.
    pub fn wait_long(&mut self, ready: &mut Vec<usize>) -> Result<(), BenchError> {
        self.wait_for(None, ready)
    }

    fn wait_for(
        &mut self,
        timeout: Option<&Timespec>,
        ready: &mut Vec<usize>,
    ) -> Result<(), BenchError> {
        self.events.clear();
        ready.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).tried(|| "epoll_pwait2".to_owned()),
        }
        ready.extend(self.events.iter().map(|event| event.data.u64() as usize));
        Ok(())
    }
}

fn timespec(left: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_of_a_third_of_a_millisecond_is_not_rounded_to_four() {
        let mut poller = Poller::new().unwrap();
        let mut ready = Vec::new();
        let mut best = Duration::MAX;
        for _ in 0..20 {
            let from = Instant::now();
            poller
                .wait(from + Duration::from_micros(300), &mut ready)
                .unwrap();
            best = best.min(from.elapsed());
        }
        assert!(best >= Duration::from_micros(290), "{best:?}");
        assert!(best < Duration::from_micros(900), "{best:?}");
    }
}
