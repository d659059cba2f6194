//! The kernel calls that no safe wrapper offers: epoll, eventfd, and taking a
//! UDP socket's peer away. The only place of this crate with `unsafe`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Events taken from the kernel at a time.
pub(crate) const EVENTS: usize = 256;

/// An epoll instance, level-triggered.
#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

/// Room for the events of one wait.
pub(crate) struct Ready {
    events: [libc::epoll_event; EVENTS],
    len: usize,
}

impl Ready {
    pub(crate) fn new() -> Self {
        Self {
            events: [libc::epoll_event { events: 0, u64: 0 }; EVENTS],
            len: 0,
        }
    }
    /// Tokens of the sockets that have something to read.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = u64> {
        self.events.iter().take(self.len).map(|event| event.u64)
    }
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer; a descriptor not negative is new and ours.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        check(fd)?;
        // SAFETY: `fd` is open, was made above and belongs to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Tells of `fd` being readable under `token`.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: both descriptors are open while borrowed, and `event` lives
        // over the call, which only reads it.
        check(unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd.as_raw_fd(),
                &raw mut event,
            )
        })
    }

    /// Tells no more of `fd`.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: both descriptors are open while borrowed; the event may be
        // null for this operation since Linux 2.6.9.
        check(unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                libc::EPOLL_CTL_DEL,
                fd.as_raw_fd(),
                std::ptr::null_mut(),
            )
        })
    }

    /// Waits for events, at most so long; rounded up to milliseconds. An
    /// interrupted wait is one without events.
    pub(crate) fn wait(&self, ready: &mut Ready, timeout: Option<Duration>) -> io::Result<()> {
        let millis = match timeout {
            Some(timeout) => i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX),
            None => -1,
        };
        ready.len = 0;
        // SAFETY: `events` is an array of EVENTS events that is ours alone over
        // the call; the kernel writes at most so many.
        let n = unsafe {
            libc::epoll_wait(
                self.0.as_raw_fd(),
                ready.events.as_mut_ptr(),
                EVENTS as i32,
                millis,
            )
        };
        match check(n) {
            Ok(()) => ready.len = usize::try_from(n).unwrap_or(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// An eventfd: wakes the worker that waits on it.
#[derive(Debug)]
pub(crate) struct Bell(File);

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer; a descriptor not negative is new and ours.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        check(fd)?;
        // SAFETY: `fd` is open, was made above and belongs to nobody else.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }
    /// Wakes. Can only fail where the bell rings already.
    pub(crate) fn ring(&self) {
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }
    /// Stops ringing.
    pub(crate) fn hush(&self) {
        let _ = (&self.0).read(&mut [0; 8]);
    }
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.0.as_fd()
    }
}

/// Takes a connected UDP socket's peer away, so that it hears everybody again.
pub(crate) fn disconnect(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all zeros is a valid `sockaddr`, a plain C struct of integers.
    let mut nobody: libc::sockaddr = unsafe { std::mem::zeroed() };
    nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    let len = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: the descriptor is open while borrowed; `nobody` lives over the
    // call, which reads `len` bytes of it.
    check(unsafe { libc::connect(socket.as_raw_fd(), &raw const nobody, len) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
