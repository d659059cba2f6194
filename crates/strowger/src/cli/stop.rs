//! The wish that a command should end: Ctrl-C, a service manager's SIGTERM, a
//! terminal that is closed. For commands that have something to put right
//! before; the others just end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// From when it is made on, these signals end nothing by themselves.
#[derive(Debug)]
pub struct Stop(Vec<(Signal, u8)>);

impl Stop {
    /// Listens. What the process was started to ignore (`nohup`) stays ignored.
    pub fn listen() -> io::Result<Self> {
        let ignored = ignored();
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let mut signals = Vec::new();
        for kind in kinds {
            let number = kind.as_raw_value();
            if (ignored >> (number - 1)) & 1 == 0 {
                signals.push((signal(kind)?, u8::try_from(number).unwrap_or_default()));
            }
        }
        Ok(Self(signals))
    }

    /// Ready when one of them has come: its number. May be dropped and asked again.
    pub async fn asked(&mut self) -> u8 {
        std::future::poll_fn(|cx| {
            for (signal, number) in &mut self.0 {
                if signal.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*number);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

/// The signals that are ignored, a bit each; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or_default()
}
