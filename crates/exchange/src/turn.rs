//! The loop's turns: which of its lanes is heard next. What is under way goes
//! before what is new, and no lane is left unheard for the sake of another.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sip_net::Received;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep};

use crate::core::{Core, Returned};
use crate::handle::Request;
use crate::timers::Alarm;

/// Most inputs of one lane in a turn, of what is under way.
const URGENT_BURST: usize = 64;
/// Most inputs of one lane in a turn, of what is new.
const FRESH_BURST: usize = 16;
/// How long a shutdown stays for BYEs that were lost and go out again (T1 is
/// half a second), where there was anybody to say goodbye to.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long a shutdown waits for the last records to be kept. A database that
/// takes no writes by then gets its last chance when it is closed.
const RECORDS: Duration = Duration::from_secs(5);

/// Who asked for a shutdown.
type Stop = oneshot::Sender<()>;

/// The loop and its lanes.
pub(crate) struct Loop {
    pub core: Core,
    pub urgent_messages: mpsc::Receiver<Received>,
    pub fresh_messages: mpsc::Receiver<Received>,
    pub returns: mpsc::Receiver<Returned>,
    pub urgent_requests: mpsc::Receiver<Request>,
    pub fresh_requests: mpsc::Receiver<Request>,
}

/// What the loop begins with, and who waits for it to have begun.
pub(crate) struct Beginning {
    pub configuration: Arc<switch::Configuration>,
    pub begun: oneshot::Sender<()>,
}

/// What ends the wait for the next turn.
enum First {
    SipTimeout,
    Message(Received),
    Alarm(Alarm),
    Returned(Returned),
    Request(Request),
    /// The settings are newer than what the loop has of them.
    Change,
    /// The journal has a place again.
    Room,
}

impl Loop {
    /// Takes up what was kept, then runs until it is asked to stop. Its timers
    /// are made here: they belong to the runtime it runs on.
    pub async fn run(mut self, beginning: Beginning) {
        self.core.begin(beginning.configuration);
        // Who starts it may have gone.
        let _ = beginning.begun.send(());
        let mut clock = SipClock::new(self.core.started);
        loop {
            if let Some(answer) = self.turn(&mut clock).await {
                self.leave(&mut clock).await;
                // Who asked may have gone.
                let _ = answer.send(());
                return;
            }
        }
    }

    /// Waits for one input, then takes what else is there.
    async fn turn(&mut self, clock: &mut SipClock) -> Option<Stop> {
        clock.set(self.core.sip.poll_timeout());
        let first = tokio::select! {
            biased;
            () = clock.wait() => First::SipTimeout,
            Some(received) = self.urgent_messages.recv() => First::Message(received),
            alarm = self.core.timers.next() => First::Alarm(alarm),
            Some(returned) = self.returns.recv() => First::Returned(returned),
            Some(request) = self.urgent_requests.recv() => First::Request(request),
            () = self.core.changes.wait() => First::Change,
            () = self.core.journal.room(), if self.core.journal.waits() => First::Room,
            Some(received) = self.fresh_messages.recv() => First::Message(received),
            Some(request) = self.fresh_requests.recv() => First::Request(request),
        };
        // What one turn says to audio wakes its workers once, not each time.
        self.core.media.cork();
        let stop = self.take(first);
        self.core.media.uncork();
        stop
    }

    fn take(&mut self, first: First) -> Option<Stop> {
        match first {
            First::SipTimeout => self.core.sip_timeout(),
            First::Message(received) => self.core.receive(received),
            First::Alarm(alarm) => self.core.alarm(alarm),
            First::Returned(returned) => self.core.back(returned),
            First::Request(Request::Stop(answer)) => return Some(answer),
            First::Request(request) => self.core.request(request),
            First::Change => self.core.catch_up(),
            First::Room => self.core.journal.hand_in_again(),
        }
        self.sweep()
    }

    /// Takes what waits, without waiting: one wake-up serves many inputs.
    fn sweep(&mut self) -> Option<Stop> {
        self.urgent();
        for _ in 0..URGENT_BURST {
            let Ok(returned) = self.returns.try_recv() else {
                break;
            };
            self.core.back(returned);
        }
        for _ in 0..URGENT_BURST {
            match self.urgent_requests.try_recv() {
                Ok(Request::Stop(answer)) => return Some(answer),
                Ok(request) => self.core.request(request),
                Err(_) => break,
            }
        }
        for _ in 0..FRESH_BURST {
            let Ok(received) = self.fresh_messages.try_recv() else {
                break;
            };
            self.core.receive(received);
            self.urgent();
        }
        for _ in 0..FRESH_BURST {
            let Ok(request) = self.fresh_requests.try_recv() else {
                break;
            };
            self.core.request(request);
        }
        None
    }

    fn urgent(&mut self) {
        for _ in 0..URGENT_BURST {
            let Ok(received) = self.urgent_messages.try_recv() else {
                break;
            };
            self.core.receive(received);
        }
    }

    /// Ends all calls, gives the phones a moment to hear of it, and lets the
    /// records be kept.
    async fn leave(&mut self, clock: &mut SipClock) {
        let anybody = self.core.legs.len() > 0;
        self.core.hang_up_all();
        if anybody {
            let goodbyes = async {
                loop {
                    // Who else asks to stop hears so when the loop is gone.
                    let _ = self.turn(clock).await;
                }
            };
            let _: Result<(), _> = tokio::time::timeout(GOODBYE, goodbyes).await;
        }
        let flushed = tokio::time::timeout(RECORDS, self.core.journal.flushed());
        if flushed.await.is_err() {
            tracing::error!("leaving before the last records are kept");
        }
    }
}

/// The timer of `sip`'s next time-out. It is set back only when it would come
/// too late: one that comes too early does no harm and is rare.
struct SipClock {
    epoch: Instant,
    sleep: Pin<Box<Sleep>>,
    /// When it rings; `None`: not at all.
    at: Option<Instant>,
}

impl SipClock {
    /// Times are counted from `epoch`.
    fn new(epoch: std::time::Instant) -> Self {
        let epoch = Instant::from_std(epoch);
        Self {
            epoch,
            sleep: Box::pin(tokio::time::sleep_until(epoch)),
            at: None,
        }
    }

    fn set(&mut self, next: Option<sip::Instant>) {
        let Some(next) = next.map(|next| self.epoch + next.0) else {
            return;
        };
        if self.at.is_none_or(|at| next < at) {
            self.sleep.as_mut().reset(next);
            self.at = Some(next);
        }
    }

    async fn wait(&mut self) {
        if self.at.is_none() {
            std::future::pending::<()>().await;
        }
        self.sleep.as_mut().await;
        self.at = None;
    }
}
